"""Keeps the sign-in backend's path, which every session stores, so that moving code signs nobody out."""

from web.auth import sessions


class Backend(sessions.Backend):
    """`web.auth.sessions.Backend`."""
