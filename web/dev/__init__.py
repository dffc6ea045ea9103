"""Tools of `make run` and `make apm` for a machine without servers."""
