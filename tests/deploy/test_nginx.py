"""deploy/nginx.conf: a real nginx with TLS in front of a real site, and in front of one that is gone."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

from savings import payments
from tests.deploy import nginx
from tests.deploy.nginx import Proxy, ports
from tests.processes import PATIENCE_SECONDS, free_port, is_free, wait_until
from tests.test_conventions import ROOT
from tests.web.test_production import BEHIND_OUR_PROXY, built
from web import uploads
from web.messages import errors as messages
from web.middleware import database

SECRET = "Xk7qPzSecret"
# What differs between any two answers or servers, and the policy: files need less than pages.
NOT_COMPARED = {
    *("accept-ranges", "connection", "content-security-policy", "date", "etag", "server", "x-request-id"),
}


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Proxy]]:
    """A function that starts an nginx in front of a port."""
    if nginx.program() is None:
        pytest.skip("nginx is not installed")
    with contextlib.ExitStack() as stack:

        def start_one(site: int, var_dir: Path, https: int, http: int) -> Proxy:
            folder = tmp_path_factory.mktemp("nginx")
            return stack.enter_context(nginx.running(folder, var_dir, site=site, https=https, http=http))

        yield start_one


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The production site with one worker, which has one thread: its port and the folder of its static files."""
    folder = tmp_path_factory.mktemp("site")
    environment = built(folder)
    port = free_port()
    granian = [str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--workers", "1"]
    granian += ["--blocking-threads", "1", "--port", str(port), "tests.deploy.site:application"]
    process = subprocess.Popen(granian, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: not is_free(port))
        yield port, folder
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def proxy(start: Callable[..., Proxy], site: tuple[int, Path]) -> Proxy:
    return start(*site, *ports(2))


@pytest.fixture
def browser(proxy: Proxy) -> Iterator[httpx.Client]:
    with proxy.browser() as opened:
        yield opened


@pytest.fixture
def gone(start: Callable[..., Proxy], tmp_path: Path) -> Proxy:
    """An nginx whose site does not run."""
    site, *own = ports(3)
    return start(site, tmp_path, *own)


def test_browsers_speak_http_2(proxy: Proxy) -> None:
    proxy.trusts.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", proxy.https)) as plain,
        proxy.trusts.wrap_socket(plain) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"
        assert secure.version() == "TLSv1.3"


def test_plain_http_leads_to_https(proxy: Proxy) -> None:
    answer = httpx.get(f"http://127.0.0.1:{proxy.http}/help/?a=1", headers={"Host": "savings.example"})
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://savings.example/help/?a=1")


@pytest.mark.parametrize(
    "path", ["css/app.css", "js/app.js", "img/logo.svg", "img/icon-180.png", "site.webmanifest"]
)
@pytest.mark.parametrize("age", ["immutable", "max-age=60"])
def test_static_files_have_the_headers_of_the_site(
    browser: httpx.Client, site: tuple[int, Path], path: str, age: str
) -> None:
    port, folder = site
    if age == "immutable":
        stem, _, ending = path.rpartition(".")
        found = (folder / "static").glob(f"{stem}.{'[0-9a-f]' * 12}.{ending}")
        path = next(found).relative_to(folder / "static").as_posix()
    accepts = {"Accept-Encoding": "gzip"}
    own = httpx.get(f"http://127.0.0.1:{port}/static/{path}", headers=BEHIND_OUR_PROXY | accepts)
    served = browser.get(f"/static/{path}", headers=accepts)
    assert served.content == own.content
    assert headers_of(served) == headers_of(own)
    assert "default-src 'none'" in served.headers["Content-Security-Policy"]
    assert age in served.headers["Cache-Control"]


def headers_of(answer: httpx.Response) -> dict[str, str]:
    """Return what a browser acts on; quotes around a charset mean nothing."""
    return {
        name: value.replace('"', "") for name, value in answer.headers.items() if name not in NOT_COMPARED
    }


def test_an_unchanged_static_file_is_not_sent_again(browser: httpx.Client) -> None:
    first = browser.get("/static/css/app.css")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert browser.get("/static/css/app.css", headers=tag).status_code == 304
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert browser.get("/static/css/app.css", headers=since).status_code == 304


def test_a_static_file_that_is_missing_is_the_sites_404(browser: httpx.Client) -> None:
    answer = browser.get("/static/css/none.css")
    assert answer.status_code == 404
    assert "Error 404" in answer.text


def test_only_the_site_decides_what_is_compressed(browser: httpx.Client) -> None:
    """The http block of Debian's nginx turns gzip on."""
    accepts = {"Accept-Encoding": "gzip"}
    assert "Content-Encoding" in browser.get("/accounts/login/", headers=accepts).headers
    caused_by_another = browser.get("/accounts/login/", headers=accepts | {"Sec-Fetch-Site": "cross-site"})
    assert caused_by_another.status_code == 200
    assert "Content-Encoding" not in caused_by_another.headers


def test_a_client_cannot_claim_an_ip_address_or_a_scheme(browser: httpx.Client) -> None:
    lies = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "Host": "savings.example"}
    seen = browser.get("/seen/", headers=lies).json()
    assert seen["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert seen["HTTP_X_FORWARDED_PROTO"] == "https"
    assert seen["HTTP_HOST"] == "savings.example"


@pytest.mark.parametrize(
    ("path", "kilobytes", "status", "words"),
    [
        ("/accounts/login/", 100, 413, messages.SHORTEN),
        ("/accounts/login/", 200, 413, messages.TOO_LARGE),
        ("/payments/webhook/paystack/", 65, 413, messages.TOO_LARGE),
        ("/statements/verify", 60, 403, ""),
        ("/statements/verify/", 300, 413, messages.SHORTEN),
    ],
)
def test_a_body_that_is_too_large_is_refused(
    browser: httpx.Client, path: str, kilobytes: int, status: int, words: str
) -> None:
    """Far above its limit a body does not reach the site, whose page says more."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = browser.post(path, content=b"x" * kilobytes * 1024, headers=form)
    assert answer.status_code == status
    assert words in answer.text


def test_each_limit_leaves_room_for_that_of_the_site() -> None:
    sizes = {"k": 1024, "m": 1024 * 1024}
    limits = [
        int(n) * sizes[unit]
        for n, unit in re.findall(r"client_max_body_size\s+(\d+)(\w);", nginx.CONFIGURATION)
    ]
    everything, verify, webhook = limits
    assert everything > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert verify > uploads.MOST_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert webhook == payments.LONGEST_BODY_BYTES


def test_bodies_that_never_end_do_not_hold_the_worker(proxy: Proxy, browser: httpx.Client) -> None:
    head = b"POST /accounts/login/ HTTP/1.1\r\nHost: savings.example\r\nContent-Length: 1000\r\n\r\nlogin="
    http_1 = ssl.create_default_context(cafile=proxy.folder / "fullchain.pem")
    http_1.check_hostname = False
    with contextlib.ExitStack() as opened:
        for _ in range(3):
            plain = opened.enter_context(socket.create_connection(("127.0.0.1", proxy.https)))
            opened.enter_context(http_1.wrap_socket(plain)).sendall(head)
        begun = time.monotonic()
        assert browser.get("/accounts/login/").status_code == 200
        assert time.monotonic() - begun < 5


def test_without_a_site_people_read_what_happened(gone: Proxy) -> None:
    with gone.browser() as browser:
        for answer in (browser.get("/dashboard/"), browser.post("/plans/start/", data={"name": "Rent"})):
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == str(database.RETRY_AFTER_SECONDS)
            assert answer.headers["Cache-Control"] == "no-store"
            assert "We can’t reach your savings right now" in answer.text
            assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("name", ["asusu-413.html", "asusu-503.html"])
def test_the_pages_of_nginx_load_nothing(name: str) -> None:
    page = (ROOT / "deploy/pages" / name).read_text()
    assert not re.findall(r"\b(?:src|href)=|url\(|@import|<script", page)


@pytest.mark.parametrize(("name", "template"), [("asusu-503.html", "503.html")])
def test_the_pages_of_nginx_have_the_words_of_the_site(name: str, template: str) -> None:
    page = (ROOT / "deploy/pages" / name).read_text()
    written = (ROOT / "templates" / template).read_text()
    for block in ("h1", "text"):
        (words,) = re.findall(rf"{{% block {block} %}}(.*?){{% endblock %}}", written)
        assert words in page


def test_the_log_has_no_secret_of_any_url(gone: Proxy) -> None:
    paths = [path for path in example_paths(get_resolver()) if SECRET in path]
    assert {f"/calendar/feed/{SECRET}.ics", f"/circles/join/{SECRET}/"} <= {*paths}
    secret_query = {"token": SECRET, "next": f"/circles/join/{SECRET}/"}
    with gone.browser() as browser:
        for path in paths:
            browser.get(path, headers={"Referer": f"https://savings.example{path}"})
        browser.get("/statements/7/download/", params=secret_query)
        browser.get(f"/CALENDAR/feed/%58{SECRET}")
        browser.get(f"/circles//join/./{SECRET}")
        httpx.get(f"http://127.0.0.1:{gone.http}{paths[0]}", headers={"Host": "savings.example"})
    wait_until(lambda: gone.logs().count("url.path") >= len(paths) + 4)
    logs = gone.logs()
    assert '"url.path":"/calendar/feed/…"' in logs
    assert '"url.path":"/statements/7/download/"' in logs
    assert SECRET not in logs


def example_paths(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """Yield a path for each route outside of the admin, with the secret for each text in it and 7 for each number."""
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if path.startswith(("/admin/", "/lab/", "/__debug__/")):
            continue
        if isinstance(pattern, URLPattern):
            yield re.sub(r"<\w+:\w+>", SECRET, re.sub(r"<int:\w+>", "7", path))
        else:
            yield from example_paths(pattern, path)
