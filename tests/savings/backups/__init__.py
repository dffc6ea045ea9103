"""Tests of savings/backups."""
