"""The suite's own importable code: what its phrases are made of."""
