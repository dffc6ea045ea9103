"""Adapts allauth's second steps: encrypted secrets, the QR code of an authenticator app, and names of passkeys."""

from __future__ import annotations

import base64
import hashlib
import logging
from typing import Any

from allauth.core import context as allauth_context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from qrcode.main import QRCode

from web.auth import devices
from web.messages import sign_in as messages

logger = logging.getLogger(__name__)


class MFAAdapter(DefaultMFAAdapter):
    """Two-step sign-in and passkeys; the secrets are encrypted before they are stored."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": messages.WRONG_APP_CODE,
        "unverified_email": messages.CONFIRM_EMAIL_FIRST,
    }

    def encrypt(self, text: str) -> str:
        return _safe().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret in plain text.

        Raises ValidationError, which a form shows beside the code, for one that was encrypted under a lost SECRET_KEY.
        """
        try:
            return _safe().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            logger.error(
                "a second step was encrypted under a SECRET_KEY that is not among those of this site"
            )
            raise ValidationError(messages.UNREADABLE_SECOND_STEP) from None

    def build_totp_svg(self, url: str) -> SafeString:
        """Draw the QR code as one path without a style attribute, which our Content Security Policy would block."""
        code: QRCode[Any] = QRCode(border=2)
        code.add_data(url)
        rows = code.get_matrix()
        path = "".join(
            f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
        )
        return format_html(
            '<svg class="qr" viewBox="0 0 {0} {0}" role="img" aria-label="{1}"><path d="{2}"/></svg>',
            len(rows),
            messages.QR_CODE,
            path,
        )

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return super().get_public_key_credential_rp_entity() | {"name": "Asusu"}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: str) -> str:  # noqa: A002 - allauth's name
        return devices.label_of(allauth_context.request)


def _safe() -> MultiFernet:
    """Return the cipher for second-step secrets, with keys derived from SECRET_KEY and SECRET_KEY_FALLBACKS."""
    return MultiFernet(
        [
            Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"web.accounts.safe" + key.encode()).digest()))
            for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        ]
    )
