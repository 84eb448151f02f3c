"""Acceptance tests for integrations: Gherkin in, evidence out."""

__version__ = "0.1.0"
