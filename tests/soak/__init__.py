"""A simulated year: people, staff, provider and jobs day by day, with faults of every kind, in one process.

`make soak SEED=7 DAYS=365 PEOPLE=300` runs it. The same seed gives the same year, so what it finds can be repeated.
"""
