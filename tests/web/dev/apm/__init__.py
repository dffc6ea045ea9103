"""Tests of `web/dev/apm/`."""
