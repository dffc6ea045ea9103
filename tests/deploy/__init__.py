"""Tests of what deploy/ has for a server."""
