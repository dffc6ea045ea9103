"""Tests of `web/admin/`."""
