"""Tests of `web/management/`."""
