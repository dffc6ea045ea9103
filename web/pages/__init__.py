"""What templates print, prepared, one module per feature."""
