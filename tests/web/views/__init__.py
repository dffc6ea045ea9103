"""Tests of `web/views/`."""
