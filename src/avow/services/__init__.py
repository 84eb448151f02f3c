"""What a suite runs on: definitions, providers, readiness, the stack of a worker slot."""
