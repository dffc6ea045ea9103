"""Settings from the environment: invalid values are refused, and each error names its variable."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.web.test_production import production
from web.environment import parse_from_email, parse_site_url


@pytest.mark.parametrize(
    ("given", "url", "host"),
    [
        ("https://savings.example.com", "https://savings.example.com", "savings.example.com"),
        ("https://Savings.Example.com:443/", "https://savings.example.com", "savings.example.com"),
        ("http://savings.example.com:80", "http://savings.example.com", "savings.example.com"),
        ("https://savings.example.com:8443", "https://savings.example.com:8443", "savings.example.com"),
        ("https://savings.example.com.", "https://savings.example.com", "savings.example.com"),
        ("http://localhost:8000", "http://localhost:8000", "localhost"),
        ("http://192.0.2.7", "http://192.0.2.7", "192.0.2.7"),
        ("http://[::1]:8000", "http://[::1]:8000", "[::1]"),
        ("https://[2001:DB8:0::1]/", "https://[2001:db8::1]", "[2001:db8::1]"),
        ("https://ọjà.example", "https://xn--j-sfa590u.example", "xn--j-sfa590u.example"),
    ],
)
def test_the_address_of_the_site_is_what_browsers_send(given: str, url: str, host: str) -> None:
    site = parse_site_url(given)
    assert (site.url, site.host) == (url, host)


@pytest.mark.parametrize(
    "given",
    [
        "savings.example.com",
        "ftp://savings.example.com",
        "https://",
        "https:///savings",
        "https://savings.example.com/app",
        "https://savings.example.com/?x=1",
        "https://savings.example.com?",
        "https://savings.example.com#",
        "https://ada:secret@savings.example.com",
        "https://savings.example.com:port",
        "https://savings.example.com:99999",
        "https://[::1",
        "https://sav ings.example.com",
        "https://savings..example.com",
    ],
)
def test_an_address_that_could_not_work_is_refused_by_name(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SITE_URL") as refused:
        parse_site_url(given)
    assert "secret" not in str(refused.value)


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    """Load the production settings with these variables, and print what depends on them."""
    look = (
        "import web.wsgi; from django.conf import settings as s;"
        "print(s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS, s.DEFAULT_FROM_EMAIL)"
    )
    command = [sys.executable, "-c", look]
    return subprocess.run(command, env=production(**environment), capture_output=True, text=True, check=False)


def test_a_site_at_an_ipv6_address_allows_its_own_host() -> None:
    done = started(SITE_URL="https://[::1]:8443", DEFAULT_FROM_EMAIL="Asusu <hello@example.com>")
    assert done.stdout.startswith("['[::1]'] ['https://[::1]:8443']"), done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE_URL", "https://savings.example.com/app"),
        ("EMAIL_URL", "smtp+tls://asusu:pass#word@mail.example.com:587"),
        ("EMAIL_URL", "smtp+tls://asusu:pass/word@mail.example.com:587"),
        ("EMAIL_URL", "smtp+tls://asusu:pass[word@mail.example.com:587"),
        ("EMAIL_URL", "pigeon://asusu:password@mail.example.com"),
        ("EMAIL_URL", "smtp+tls://"),
        ("DATABASE_URL", "postgres://asusu:pass/word@db.example.com/asusu"),
        ("DATABASE_URL", "postgres://asusu:password@db.example.com:port/asusu"),
        ("DATABASE_URL", "nonsense://asusu:password@db.example.com/asusu"),
        ("REDIS_URL", "redis://:pass#word@redis.example.com:6379/0"),
        ("REDIS_URL", "http://:password@redis.example.com"),
        ("DEFAULT_FROM_EMAIL", "not an address"),
        ("TRUSTED_PROXIES", "password"),
        ("HUEY_WORKERS", "many password"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_and_not_shown(name: str, value: str) -> None:
    done = started(**{name: value})
    assert done.returncode != 0
    last_line = done.stderr.strip().splitlines()[-1]
    assert name in last_line
    assert "pass" not in last_line.replace("passwords", "").replace("user:password", "")


# Each would otherwise start and do something unintended, or fail without naming the variable.
OUT_OF_RANGE = [
    ("HUEY_WORKERS", "0"),
    ("TRUSTED_PROXIES", "-1"),
    ("IP_RATE_LIMIT_FACTOR", "0"),
    ("CONN_MAX_AGE", "-5"),
    ("DATABASE_TIMEOUT_SECONDS", "0"),
    ("DATABASE_TIMEOUT_SECONDS", "nan"),
    ("EMAIL_UNDO_DAYS", "-3"),
    ("WITHHOLDING_TAX_BPS", "20000"),
    ("PLAN_MAX_KOBO", "99999999999999999999"),
    ("TOP_UP_MAX_KOBO", "1"),
    ("RATE_LIMITS", "perhaps password"),
    ("SECURE_SSL_REDIRECT", "maybe"),
    ("DEBUG", "password"),
    ("LOG_LEVEL", "LOUD"),
    ("TIME_ZONE", "Africa/Lagoss"),
    ("TIME_ZONE", "../password"),
    ("CURRENCY", "naira"),
    ("FEE_BEARER_CARD", "house"),
    ("FEE_BEARER_FOREIGN_CARD", "password"),
    ("FEE_BEARER_OTHER", "nobody"),
    ("HOME_COUNTRY", "Nigeria"),
    ("DATABASE_URL", "asusu"),
    ("DATABASE_URL", "postgres://"),
    ("ALLOWED_HOSTS", "https://savings.example.com"),
    ("ALLOWED_HOSTS", "savings.example.com:8000"),
    ("ELASTIC_APM_SERVER_URL", "password"),
]


def test_a_value_that_makes_no_sense_is_refused_by_name() -> None:
    loads = """
import json, os, runpy, sys
for name, value in json.loads(sys.argv[1]):
    before = dict(os.environ)
    os.environ[name] = value
    try:
        runpy.run_path("web/settings.py")
        print("started")
    except Exception as error:
        print(type(error).__name__, error)
    os.environ.clear()
    os.environ.update(before)
"""
    command = [sys.executable, "-c", loads, json.dumps(OUT_OF_RANGE)]
    done = subprocess.run(command, env=production(), capture_output=True, text=True, check=True)
    for (name, value), line in zip(OUT_OF_RANGE, done.stdout.splitlines(), strict=True):
        assert line.startswith(f"ImproperlyConfigured {name} "), (name, value, line)
        assert "password" not in line.replace("user:password", "").replace("names and passwords", "")


@pytest.mark.parametrize("word", ["", "1", "TRUE", " yes "])
def test_an_empty_switch_has_its_default(word: str) -> None:
    assert settings_of(
        "s.SECURE_SSL_REDIRECT, s.RATE_LIMITS", SECURE_SSL_REDIRECT=word, RATE_LIMITS=word
    ) == ("True True")


def test_a_value_may_begin_with_a_dollar_sign() -> None:
    shown = settings_of(
        "s.CURRENCY, s.CURRENCY_SIGN, s.SECRET_KEY", CURRENCY="USD", CURRENCY_SIGN="$", SECRET_KEY="$a1"
    )
    assert shown == "USD $ $a1"


def test_blanks_and_small_letters_do_no_harm() -> None:
    shown = settings_of(
        "*s.ALLOWED_HOSTS, s.LOGGING['loggers']['web']['level']",
        ALLOWED_HOSTS="savings.example.com, .example.org,[::1]",
        LOG_LEVEL="debug",
    )
    assert shown == "savings.example.com .example.org [::1] DEBUG"


def settings_of(names: str, **environment: str) -> str:
    """Print production settings with these variables."""
    command = [sys.executable, "-c", f"from django.conf import settings as s; print({names})"]
    given = production(**environment) | {"DJANGO_SETTINGS_MODULE": "web.settings"}
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


def test_mails_come_from_the_sites_own_host_unless_said_otherwise() -> None:
    assert "Asusu <hello@savings.example>" in started().stdout
    assert "Ajo <ajo@example.com>" in started(DEFAULT_FROM_EMAIL="Ajo <ajo@example.com>").stdout


@pytest.mark.parametrize("address", ["https://192.0.2.7", "https://[::1]", "https://intranet"])
def test_a_host_that_no_mail_can_come_from_needs_a_sender(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DEFAULT_FROM_EMAIL"):
        parse_from_email("", parse_site_url(address))


@pytest.mark.parametrize(
    "given", ["a@b.com, c@d.com", "Ada", "Ada <>", "Ada <a@b.com>\nBcc: <x@y.com>", "a@@b.com"]
)
def test_a_sender_is_one_address(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DEFAULT_FROM_EMAIL"):
        parse_from_email(given, parse_site_url("https://savings.example.com"))


def test_no_default_of_ours_is_a_sender_in_production() -> None:
    assert "asusu.example" not in started().stdout
    assert os.environ.get("DEFAULT_FROM_EMAIL") is None
