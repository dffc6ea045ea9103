"""The mail server of the simulated year: it remembers each mail by its Message-ID, and fails at times."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

_FAILS = 0.02


class MailServer:
    """What one year's mails did. The backend of Django's settings is a class, so the present one is in `current`."""

    current: MailServer

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.fails = True
        self.sent: Counter[str] = Counter()
        # The mails that the server had taken when the worker died before it could note that: they come twice.
        self.may_be_twice: Counter[str] = Counter()
        self.newest = ""
        MailServer.current = self


class Backend(BaseEmailBackend):
    """Sends nothing."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        server = MailServer.current
        if server.fails and server.chance.random() < _FAILS:
            raise OSError("The mail server is busy.")
        for message in email_messages:
            server.newest = message.extra_headers["Message-ID"]
            server.sent[server.newest] += 1
        return len(email_messages)
