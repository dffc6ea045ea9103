"""Reads settings from environment variables; every error message names the variable."""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Callable
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

_SPECIAL = (
    "Percent-encode special characters in user names and passwords, for example %40 for @ and %23 for #."
)
_ON = {"1", "true", "yes", "on", "y", "t", "ok"}
_OFF = {"0", "false", "no", "off", "n", "f"}
# Exact in JSON, in a browser and in every database.
MOST_NUMBER = 2**53 - 1
# IMMEDIATE takes the write lock at BEGIN, so that two writers wait for each other instead of failing midway.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 10,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
}
# Detect a lost server within seconds, in the web and in the worker. All are client options: a pooler refuses options
# that it would have to pass on.
POSTGRES_OPTIONS = {
    "connect_timeout": 3,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


class Env(environ.Env):
    """django-environ, but an invalid value raises `ImproperlyConfigured` with the name of the variable.

    The message never contains the value, which may hold a password.
    """

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        given = self.ENVIRON.get(var, "")
        if given.startswith("$"):
            # A currency sign or the start of a secret; django-environ would read another variable instead.
            return parsed(var, lambda: self.parse_value(given, kwargs.get("cast")))
        return parsed(var, lambda: super(Env, self).get_value(var, *args, **kwargs))

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean, or the default if empty. An unknown word raises an error instead of counting as off."""
        word = str(self.get_value(name, default="")).strip().lower()
        if word and word not in _ON | _OFF:
            raise ImproperlyConfigured(f"{name} must be 1 or 0.")
        return word in _ON if word else default

    def number(self, name: str, *, default: int, least: int = 0, most: int = MOST_NUMBER) -> int:
        """Return a whole number within its limits."""
        found = int(self.get_value(name, cast=int, default=default))
        if not least <= found <= most:
            limit = f" and at most {most}" if most < MOST_NUMBER else ""
            raise ImproperlyConfigured(f"{name} must be at least {least}{limit}.")
        return found

    def choice(self, name: str, *, default: str, choices: tuple[str, ...]) -> str:
        """Return one of some words, in lower case."""
        found = str(self.get_value(name, default="")).strip().lower() or default
        if found not in choices:
            raise ImproperlyConfigured(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}.")
        return found

    def code(self, name: str, *, default: str, letters: int) -> str:
        """Return a code of some capital letters, such as that of a currency or country."""
        found = str(self.get_value(name, default=default))
        if not re.fullmatch(f"[A-Z]{{{letters}}}", found):
            raise ImproperlyConfigured(
                f"{name} must be a code of {letters} capital letters, such as {default}."
            )
        return found

    def log_level(self, name: str) -> str:
        """Return the name of a Python logging level; INFO if none is given."""
        found = str(self.get_value(name, default="")).strip().upper() or "INFO"
        if found not in logging.getLevelNamesMapping():
            raise ImproperlyConfigured(f"{name} must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
        return found

    def time_zone(self, name: str, *, default: str) -> str:
        """Return the name of a time zone that this machine knows."""
        found = str(self.get_value(name, default="")).strip() or default
        try:
            ZoneInfo(found)
        except (ValueError, KeyError, OSError):
            raise ImproperlyConfigured(
                f"{name} must be the name of a time zone, such as Africa/Lagos."
            ) from None
        return found


def parsed[T](name: str, parse: Callable[[], T]) -> T:
    """Return what `parse` reads from the variable `name`; raise `ImproperlyConfigured` naming it if it cannot."""
    try:
        return parse()
    except (ValueError, TypeError, KeyError) as error:
        kind = "is not a valid URL. " + _SPECIAL if name.endswith("_URL") else "has an invalid value."
        # Without the cause, because its message quotes the value.
        raise ImproperlyConfigured(f"{name} {kind}") from (None if name.endswith("_URL") else error)
    except ImproperlyConfigured as error:
        if name in str(error):
            raise
        raise ImproperlyConfigured(f"{name}: {error}") from None


def check_url(name: str, url: str, *, needed: bool = True) -> str:
    """Return the URL of a service without a final slash; raise `ImproperlyConfigured` if it is not http or https."""
    if not url and not needed:
        return ""
    parts = parsed(name, lambda: _split(url))
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be a URL such as https://host.example.com.")
    return url.rstrip("/")


def check_hosts(hosts: list[str]) -> list[str]:
    """Return ALLOWED_HOSTS; raise `ImproperlyConfigured` for an invalid host, such as a URL, a port or a blank."""
    for host in hosts:
        name = host.strip().removeprefix(".")
        if name != "*" and not re.fullmatch(r"\[[0-9A-Fa-f:.]+\]|[\w.-]+", name):
            raise ImproperlyConfigured(
                "ALLOWED_HOSTS must be host names separated by commas, without https:// or a port."
            )
    return [host.strip() for host in hosts]


def check_database(config: dict[str, Any]) -> None:
    """Raise `ImproperlyConfigured` if a parsed DATABASE_URL is of another kind or names no database."""
    engine = config.get("ENGINE", "")
    if engine.endswith(".postgresql") and not config.get("NAME"):
        raise ImproperlyConfigured("DATABASE_URL must name a database: postgres://user:password@host/name")
    if not engine.endswith((".postgresql", ".sqlite3")):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// (or sqlite:/// in development).")


def mailer(config: dict[str, Any], *, timeout_seconds: int) -> dict[str, Any]:
    """Return an entry of MAILERS from the parsed EMAIL_URL; raise `ImproperlyConfigured` for SMTP without a host."""
    if not config["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
        return {"BACKEND": config["EMAIL_BACKEND"], "OPTIONS": {}}
    if not config["EMAIL_HOST"]:
        raise ImproperlyConfigured(
            "EMAIL_URL must name a host: smtp+tls://user:password@smtp.example.com:587"
        )
    options = {
        "host": config["EMAIL_HOST"],
        "port": config["EMAIL_PORT"],
        "username": config["EMAIL_HOST_USER"],
        "password": config["EMAIL_HOST_PASSWORD"],
        "use_tls": config.get("EMAIL_USE_TLS", False),
        "use_ssl": config.get("EMAIL_USE_SSL", False),
        "timeout": timeout_seconds,
    }
    return {"BACKEND": config["EMAIL_BACKEND"], "OPTIONS": options}


class Site(NamedTuple):
    """The site's public URL without a final slash, `host` as in a Host header, and `hostname`."""

    url: str
    host: str
    hostname: str


def parse_site_url(url: str) -> Site:
    """Return the parts of SITE_URL; raise `ImproperlyConfigured` if it is invalid.

    The origin is normalised as browsers send it (RFC 6454): scheme and host in lower case, an international domain
    name in its ASCII form, an IPv6 address in brackets, and no port if it is the scheme's default.
    """
    parts = parsed("SITE_URL", lambda: _split(url.strip()))
    example = "such as https://savings.example.com"
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ImproperlyConfigured(f"SITE_URL must be an http or https URL {example}.")
    if parts.path.strip("/") or "?" in url or "#" in url:
        raise ImproperlyConfigured(
            f"SITE_URL must be without path, query and fragment, {example}. Asusu serves a whole host."
        )
    if "@" in parts.netloc:
        raise ImproperlyConfigured(f"SITE_URL must be without user name and password, {example}.")
    hostname = _hostname(parts.hostname)
    host = f"[{hostname}]" if ":" in hostname else hostname
    is_default_port = parts.port in {None, _DEFAULT_PORTS[parts.scheme]}
    origin = f"{parts.scheme}://{host}" if is_default_port else f"{parts.scheme}://{host}:{parts.port}"
    return Site(url=origin, host=host, hostname=hostname)


def parse_from_email(given: str, site: Site) -> str:
    """Return the sender of all mails: `given`, or an email address at the site's host if empty.

    Raises `ImproperlyConfigured` if it is not one valid email address, or if the host is not a domain name.
    """
    if not given:
        if _is_ip_address(site.hostname) or "." not in site.hostname:
            raise ImproperlyConfigured(
                "Set DEFAULT_FROM_EMAIL, such as Asusu <hello@example.com>, because SITE_URL has no domain for mail."
            )
        return f"Asusu <hello@{site.hostname.removeprefix('www.')}>"
    name, address = parseaddr(given)
    try:
        validate_email(address)
        str(Address(name, addr_spec=address))
    except (ValidationError, ValueError, IndexError):
        address = ""
    if not address or "," in given.replace(name, "") or "\n" in given:
        raise ImproperlyConfigured(
            "DEFAULT_FROM_EMAIL must be one email address, with or without a name, such as Asusu <hello@example.com>."
        )
    return given


def _split(url: str) -> Any:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError for a port that is no number
    return parts


def _hostname(given: str) -> str:
    if _is_ip_address(given):
        return str(ipaddress.ip_address(given))
    ascii_name = parsed("SITE_URL", lambda: given.rstrip(".").encode("idna").decode().lower())
    if not all(_HOST_LABEL.fullmatch(label) for label in ascii_name.split(".")):
        raise ImproperlyConfigured("SITE_URL does not contain a valid host name.")
    return ascii_name


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
