"""What `make run` starts on a machine without servers."""
