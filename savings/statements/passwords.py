"""Passwords of statements: the rules for them, and their encryption until the file is written."""

from __future__ import annotations

import base64
import hashlib
import unicodedata

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from savings.exceptions import Refused
from savings.models import Statement, User
from savings.models.statements import Format
from savings.statements import messages

_LONGEST_BYTES = 127


def check_password(user: User, *, file_format: str, password: str) -> None:
    """Raise Refused on the field `password` for one that a file of this format cannot have. An empty one is valid.

    The rules of account passwords apply too. They matter more here: with a copy of the file, anyone can try passwords
    without a limit.
    """
    if not password:
        return
    if file_format != Format.PDF:
        raise Refused(messages.PASSWORD_FOR_PDF_ONLY, field="password")
    if len(password.encode()) > _LONGEST_BYTES:
        raise Refused(messages.PASSWORD_TOO_LONG, field="password")
    if any(unicodedata.category(char)[0] == "C" for char in password):
        raise Refused(messages.PASSWORD_UNTYPABLE, field="password")
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        raise Refused(str(error.messages[0]), field="password") from None


def seal(password: str) -> str:
    """Return a password encrypted with the site's secret key; an empty one stays empty."""
    return _box().encrypt(password.encode()).decode() if password else ""


def unseal(statement: Statement) -> str:
    """Return the password of a statement's file, empty for none. Raises Refused if it can no longer be decrypted."""
    if not statement.has_password:
        return ""
    try:
        return _box().decrypt(statement.sealed_password.encode()).decode()
    except InvalidToken:
        raise Refused(messages.PASSWORD_GONE) from None


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(f"savings.statements {key}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
