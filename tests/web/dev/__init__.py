"""Tests of `web/dev/`."""
