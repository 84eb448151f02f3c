"""Drivers for real systems: one protocol, one dependency each; they write ledger entries and
nothing else.
"""
