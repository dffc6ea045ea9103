"""The staff admin, one file per feature."""
