"""Recordings that come with the project, `<provider>/<scenario>/`, and the targets that they are recordings of."""
