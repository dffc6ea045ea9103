"""Tests of `web/templatetags/`."""
