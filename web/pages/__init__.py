"""Prepares the context of templates, one module per feature."""
