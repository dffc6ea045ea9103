"""Reads settings from environment variables, and names the variable in every complaint about a value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

_SPECIAL = (
    "Percent-encode special characters in user names and passwords, for example %40 for @ and %23 for #."
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


class Env(environ.Env):
    """django-environ, but a value that cannot be read is an `ImproperlyConfigured` that names its variable.

    The message never contains the value, which may hold a password.
    """

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        return parsed(var, lambda: super(Env, self).get_value(var, *args, **kwargs))


def parsed[T](name: str, parse: Callable[[], T]) -> T:
    """Return what `parse` reads from the variable `name`; raise `ImproperlyConfigured` naming it if it cannot."""
    try:
        return parse()
    except (ValueError, TypeError, KeyError) as error:
        kind = "is not a valid URL. " + _SPECIAL if name.endswith("_URL") else "has an invalid value."
        # Without the cause, whose message quotes the value.
        raise ImproperlyConfigured(f"{name} {kind}") from (None if name.endswith("_URL") else error)
    except ImproperlyConfigured as error:
        if name in str(error):
            raise
        raise ImproperlyConfigured(f"{name}: {error}") from None


def check_url(name: str, url: str) -> str:
    """Return the URL of a service without a final slash; raise `ImproperlyConfigured` if it is not http or https."""
    parts = parsed(name, lambda: _split(url))
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be a URL such as https://host.example.com.")
    return url.rstrip("/")


class Site(NamedTuple):
    """Where people reach the site: `url` and `origin` without a final slash, and `host` as a Host header has it."""

    url: str
    host: str
    hostname: str


def parse_site_url(url: str) -> Site:
    """Return the parts of SITE_URL; raise `ImproperlyConfigured` for one that could not work.

    The origin is normalised as browsers send it (RFC 6454): scheme and host in lower case, an international domain name
    in its ASCII form, an IPv6 address in brackets, and no port where it is the scheme's own.
    """
    parts = parsed("SITE_URL", lambda: _split(url.strip()))
    example = "such as https://savings.example.com"
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ImproperlyConfigured(f"SITE_URL must be an http or https URL {example}.")
    if parts.path.strip("/") or "?" in url or "#" in url:
        raise ImproperlyConfigured(
            f"SITE_URL must not have a path, a query or a fragment: Asusu serves a whole host {example}."
        )
    if "@" in parts.netloc:
        raise ImproperlyConfigured(f"SITE_URL must not contain a user name or password: {example}.")
    hostname = _hostname(parts.hostname)
    host = f"[{hostname}]" if ":" in hostname else hostname
    is_default_port = parts.port in {None, _DEFAULT_PORTS[parts.scheme]}
    origin = f"{parts.scheme}://{host}" if is_default_port else f"{parts.scheme}://{host}:{parts.port}"
    return Site(url=origin, host=host, hostname=hostname)


def parse_from_email(given: str, site: Site) -> str:
    """Return the sender of all mails: `given`, or an address at the site's own host where none is given.

    Raises `ImproperlyConfigured` if it is not one valid address, or if the host is no domain name to send mail from.
    """
    if not given:
        if _is_ip_address(site.hostname) or "." not in site.hostname:
            raise ImproperlyConfigured(
                "Set DEFAULT_FROM_EMAIL, for example Asusu <hello@example.com>: SITE_URL has no domain for mail."
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
            "DEFAULT_FROM_EMAIL must be one email address, with or without a name: Asusu <hello@example.com>."
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
