"""The sign-in backend under the path that every session stores: code may move without signing anybody out."""

from web.auth import sessions


class Backend(sessions.Backend):
    """`web.auth.sessions.Backend`."""
