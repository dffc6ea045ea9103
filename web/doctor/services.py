"""Checks of what the site talks to: Redis, the mail server and the payment provider."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import suppress

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.module_loading import import_string
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from savings import payments
from web.caching import redis_client
from web.doctor.books import compare_clocks
from web.doctor.findings import Finding
from web.messages import doctor as messages

_FULL_PERCENT = 90
# Long enough for a mail server that greets slowly on purpose, as some do against spam.
_MAIL_SECONDS = 8
_SMTP_OK = 250
_SMTP = "django.core.mail.backends.smtp.EmailBackend"


def redis() -> Iterator[Finding]:
    try:
        get_redis_connection("default").ping()
        policy = redis_client.evicting_policy()
        memory = redis_client.memory()
    except (RedisError, OSError):
        yield Finding("redis", *messages.REDIS_AWAY)
        return
    if policy:
        yield Finding("redis-evicts", *messages.redis_evicts(policy))
    limit, used = int(memory.get("maxmemory", 0)), int(memory.get("used_memory", 0))
    if limit and used * 100 >= limit * _FULL_PERCENT:
        size = filesizeformat(limit).replace("\xa0", " ")
        yield Finding("redis-full", *messages.redis_full(used * 100 // limit, size))


def mail_server() -> Iterator[Finding]:
    """Sign in to the mail server and out again, without sending a mail."""
    config = settings.MAILERS["default"]
    if config["BACKEND"] != _SMTP:
        if not settings.DEBUG:
            yield Finding("mail-server", *messages.MAILS_NOT_SENT)
        return
    backend = import_string(config["BACKEND"])(
        alias="default", **config["OPTIONS"] | {"timeout": _MAIL_SECONDS}
    )
    server = f"{backend.host}:{backend.port}"
    try:
        backend.open()
        code = backend.connection.noop()[0]
        if code != _SMTP_OK:
            yield Finding("mail-server", *messages.mail_server_refuses(server, code))
    except smtplib.SMTPResponseException as error:
        yield Finding("mail-server", *messages.mail_server_refuses(server, error.smtp_code))
    except (smtplib.SMTPException, OSError) as error:
        yield Finding("mail-server", *messages.mail_server_silent(server, type(error).__name__))
    finally:
        with suppress(smtplib.SMTPException, OSError):
            backend.close()


def provider() -> Iterator[Finding]:
    found = payments.check_up()
    if not found.answers:
        yield Finding("provider", *messages.provider_away(settings.PROVIDER_URL))
    elif not found.accepts_key:
        yield Finding("provider-key", *messages.KEY_REFUSED)
    if found.clock is not None:
        yield from compare_clocks(messages.THE_PROVIDER, found.clock)
