"""Tests of savings plans."""
