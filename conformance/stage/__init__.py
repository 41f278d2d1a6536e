"""Where a subject is put: programs, points, servers, consumers."""
