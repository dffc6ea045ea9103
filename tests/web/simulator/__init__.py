"""Tests of `web/simulator/`."""
