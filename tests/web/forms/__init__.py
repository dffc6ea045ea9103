"""Tests of `web/forms/`."""
