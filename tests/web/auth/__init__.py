"""Tests of `web/auth/`."""
