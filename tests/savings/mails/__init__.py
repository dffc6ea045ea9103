"""Tests of emails."""
