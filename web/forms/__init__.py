"""Forms, one module per feature: what people type, checked."""
