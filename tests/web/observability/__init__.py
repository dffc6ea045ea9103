"""Tests of `web/observability/`."""
