"""The lab for development: several ways to do the same thing, run on real rows, with the cost of each."""
