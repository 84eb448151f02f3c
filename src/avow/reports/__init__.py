"""Readers of a run's events and scenario files: Allure, evidence, HTML, run record, summary.

Nothing here talks to a channel or decides a verdict. A report that cannot be written is a problem
to tell, never a reason to fail.
"""
