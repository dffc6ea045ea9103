"""Tests of `web/doctor/`."""
