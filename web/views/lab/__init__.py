"""The pages of the lab, a module for each lesson. They exist in development only; see `HAS_LAB`."""
