"""The files of a recording: read, written, and replaced as a whole."""
