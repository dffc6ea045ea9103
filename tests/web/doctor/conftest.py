"""A healthy installation: a server's settings, a proxy with TLS, a mail server, the provider, jobs that ran."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import jobs, releases
from savings.models import CoverageDay, JobRun, LedgerProof
from tests.smtp_sink import Sink
from tests.web.doctor import front
from tests.web.doctor.front import Front
from web.operator_settings import Operator

GIGABYTE = 2**30


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate that this process trusts, valid for 60 days."""
    path = tmp_path / "certificate.pem"
    front.write_certificate(path, days=60)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@pytest.fixture
def proxy(certificate: Path, settings: Settings) -> Iterator[Front]:
    """A proxy in front of the site, at SITE_URL."""
    with front.running(certificate) as (proxy, port):
        settings.SITE_URL = f"https://127.0.0.1:{port}"
        settings.SITE_HOST = "127.0.0.1"
        settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        settings.SECURE_SSL_REDIRECT = True
        yield proxy


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The disk of this machine, as far as the site is told."""
    disk = SimpleNamespace(total=100 * GIGABYTE, used=50 * GIGABYTE, free=50 * GIGABYTE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    return disk


@pytest.fixture
def healthy(request: pytest.FixtureRequest, settings: Settings, sink: Sink) -> None:
    """Nothing is wrong."""
    for name in ("db", "proxy", "provider", "disk"):
        request.getfixturevalue(name)
    settings.SECRET_KEY = "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    settings.PAYSTACK_SECRET_KEY, settings.USES_SIMULATOR = "sk_live_x", False
    settings.OPERATOR = Operator(
        name="Ada Savings",
        contact="help@example.com",
        terms_url="https://example.com/terms",
        privacy_url="https://example.com/privacy",
        source_url="https://example.com/source",
        tax_id="123",
        customers_bank="Bank ··1",
        own_bank="Bank ··2",
    )
    settings.DEFAULT_FROM_EMAIL = "Asusu <hello@127.0.0.1>"
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": sink.port},
        }
    }
    now = timezone.now()
    rows = [JobRun(job=name, started_at=now, ended_at=now) for name in (*jobs.TIMETABLE, jobs.BACKUP)]
    JobRun.objects.bulk_create(rows)
    LedgerProof.objects.create(command="check_ledger", ended_at=now)
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    CoverageDay.objects.create(day_on=yesterday, as_of=now, owed_kobo=1000, held_kobo=1000, owed=[], held=[])
    releases.note_worker(now)
