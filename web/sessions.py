"""The address of the sign-in backend that sessions store: whoever is signed in stays so when the code moves."""

from web.auth.sessions import Backend

__all__ = ["Backend"]
