"""Views, one module per feature."""
