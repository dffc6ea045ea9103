"""Signing up, signing in, second steps, sessions and devices."""
