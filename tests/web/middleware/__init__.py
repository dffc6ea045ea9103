"""Tests of `web/middleware/`."""
