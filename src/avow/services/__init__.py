"""What a suite runs on: definitions, providers, readiness, the stack of a worker slot.

The stack is `avow.services.stack.Stack`. Nothing is imported here: server processes pass by.
"""
