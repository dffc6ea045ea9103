"""Middleware: what is done to every request and every response."""
