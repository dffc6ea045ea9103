"""The management commands of the business rules."""
