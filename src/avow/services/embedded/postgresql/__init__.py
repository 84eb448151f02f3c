"""PostgreSQL from a wheel: its programs, the template of data directories, a small client."""
