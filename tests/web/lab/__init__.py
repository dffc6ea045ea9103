"""Tests of the lab, a module for each of its experiments."""
