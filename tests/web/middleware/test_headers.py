"""The headers, cookies and hashes of the production site, by the rules of the HTTP Observatory and our own."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.test import Client
from pytest_django.fixtures import Settings

from savings.models import User
from tests import observatory
from tests.processes import free_port, is_free, wait_until
from tests.web.staff import make_staff, sign_in
from tests.web.test_production import BEHIND_OUR_PROXY, production
from web.auth import devices
from web.middleware import integrity

SAME_ON_EVERY_ANSWER = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[str]:
    """The production site with its tables, because the landing page queries products."""
    folder = tmp_path_factory.mktemp("site")
    environment = production(
        VAR_DIR=str(folder),
        REDIS_URL=settings.REDIS_URL,
        DATABASE_URL=f"sqlite:///{folder / 'site.sqlite3'}",
    )
    shutil.copy(migrated_file, folder / "site.sqlite3")
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
    subprocess.run(collect, env=environment, check=True)
    port = free_port()
    granian = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--port", str(port)]
    process = subprocess.Popen([*granian, "web.wsgi:application"], env=environment)
    try:
        wait_until(lambda: not is_free(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


@pytest.fixture
def browser(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, headers=BEHIND_OUR_PROXY) as opened:
        yield opened


def visit(browser: httpx.Client, path: str) -> observatory.Visit:
    """Fetch what the Observatory fetches."""
    plain = httpx.get(browser.base_url.join(path), headers={"Host": "savings.example"})
    return observatory.Visit(browser.get(path), browser.get("/robots.txt"), plain)


@pytest.mark.parametrize(("path", "least"), [("/accounts/login/", 140), ("/", 135)])
def test_the_http_observatory_gives_full_marks(browser: httpx.Client, path: str, least: int) -> None:
    seen = visit(browser, path)
    assert seen.page.status_code == 200
    points, modifiers = observatory.score(seen)
    assert not [name for name, modifier in modifiers.items() if modifier < 0]
    assert points >= least, modifiers
    # An earlier version of the rules had no check for this header.
    assert points - modifiers["cross-origin-opener-policy"] >= least, modifiers


@pytest.mark.parametrize("path", ["/accounts/login/", "/", "/statements/verify/", "/accounts/signup/"])
def test_each_script_and_style_sheet_is_loaded_with_its_hash(browser: httpx.Client, path: str) -> None:
    tags = observatory.loaded(browser.get(path))
    assert tags.scripts
    assert tags.style_sheets
    for tag in [*tags.scripts, *tags.style_sheets]:
        file = browser.get(str(tag.get("src") or tag.get("href"))).content
        digest = base64.b64encode(hashlib.sha384(file).digest()).decode()
        assert tag.get("integrity") == f"sha384-{digest}"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/accounts/login/", "/dashboard/", "/nowhere/", "/a%00b/", "/?q=%00", "/robots.txt"),
        *("/favicon.ico", "/healthz/", "/payments/webhook/paystack/"),
    ],
)
def test_every_answer_has_the_same_headers(browser: httpx.Client, path: str) -> None:
    headers = browser.get(path).headers
    assert {name: headers.get(name) for name in SAME_ON_EVERY_ANSWER} == SAME_ON_EVERY_ANSWER
    assert "camera=()" in headers["Permissions-Policy"]
    assert "publickey-credentials-get=(self)" in headers["Permissions-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/savings/user/", "/admin/products/new/"])
def test_the_admin_loads_its_files_with_their_hashes_too(path: str) -> None:
    client = sign_in(make_staff(is_superuser=True))
    page = httpx.Response(200, text=client.get(path).text)
    tags = observatory.loaded(page)
    assert tags.style_sheets
    addresses = {
        str(tag.get("src") or tag["href"]): tag.get("integrity")
        for tag in [*tags.scripts, *tags.style_sheets]
    }
    # The texts of its scripts come from a view.
    addresses.pop("/admin/jsi18n/", None)
    assert all(addresses.values()), addresses


def test_cookies_belong_to_this_host_alone(browser: httpx.Client) -> None:
    (cookie,) = browser.get("/accounts/login/").headers.get_list("Set-Cookie")
    name, _, attributes = cookie.partition("=")
    assert name == "__Host-csrftoken"
    assert "Secure" in attributes
    assert "Path=/" in attributes
    assert "Domain" not in attributes


def test_hsts_speaks_for_this_host_alone(browser: httpx.Client) -> None:
    assert browser.get("/").headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "False False __Host-sessionid"),
        ({"HSTS_INCLUDE_SUBDOMAINS": "1"}, "True False __Host-sessionid"),
        ({"HSTS_INCLUDE_SUBDOMAINS": "1", "HSTS_PRELOAD": "1"}, "True True __Host-sessionid"),
    ],
)
def test_the_operator_may_let_hsts_speak_for_other_hosts(changes: dict[str, str], expected: str) -> None:
    look = (
        "from web import settings as s;"
        "print(s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SECURE_HSTS_PRELOAD, s.SESSION_COOKIE_NAME)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", look], env=production(**changes), capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == expected


def test_a_changed_file_has_another_hash(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path
    file = folder / "edited.js"
    settings.STATICFILES_DIRS = [folder]
    integrity._found.cache_clear()
    file.write_text("one")
    first = integrity.integrity("/static/edited.js")
    file.write_text("two, and longer")
    assert integrity.integrity("/static/edited.js") != first


@pytest.mark.django_db
def test_a_device_is_known_under_the_former_name_of_its_cookie(
    client: Client, saver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = {"login": saver.email, "password": "asusu-demo"}
    client.post("/accounts/login/", credentials)
    client.post("/accounts/logout/")
    monkeypatch.setattr(devices, "_COOKIE", "__Host-device")
    client.post("/accounts/login/", credentials)
    assert saver.devices.count() == 1
    assert "__Host-device" in client.cookies


def test_every_cookie_of_ours_has_the_prefix() -> None:
    look = (
        "import django; django.setup();"
        "from web import settings as s; from web.auth import devices, ownership;"
        "print(devices._COOKIE, ownership._COOKIE, s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", look],
        env=production() | {"DJANGO_SETTINGS_MODULE": "web.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name.startswith("__Host-") for name in shown.stdout.split()), shown.stdout


@pytest.mark.django_db
@pytest.mark.parametrize("value", ['"\\000aaaaaaaaaaaaaaaa"', "é" * 20, "x" * 4_000, "../../etc/passwd"])
def test_a_session_cookie_that_is_none_of_ours_is_no_session(client: Client, value: str) -> None:
    response = client.get("/dashboard/", headers={"Cookie": f"sessionid={value}"})
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/dashboard/")
