"""Tests of `savings.calendar`."""
