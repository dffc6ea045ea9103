"""One module of views per feature."""
