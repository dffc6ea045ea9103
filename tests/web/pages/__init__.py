"""Tests of `web/pages/`."""
