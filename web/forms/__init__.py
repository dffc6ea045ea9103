"""Forms, one module per feature: they validate user input."""
