"""Tools of `make run` for a machine without servers."""
