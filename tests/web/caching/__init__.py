"""Tests of `web/caching/`."""
