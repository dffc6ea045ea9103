"""The sentences of views and pages that are not in a template: one module of messages per feature."""
