"""HTML is compressed as the browser prefers; other responses are unchanged, and ETags and 304 work as before."""

from __future__ import annotations

import gzip
from pathlib import Path

import brotli  # type: ignore[import-untyped] # it ships no types
import pytest
from django.conf import settings as site
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from savings import leaderboards
from savings.models import User
from tests import factories
from tests.web.staff import sign_in
from web.middleware.compression import CompressionMiddleware, encoding

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LONG = "<p>Where your money is</p>" * 50
BOTH = {"Accept-Encoding": "gzip, br"}


def answered(response: HttpResponseBase, accepted: str = "gzip, br", **headers: str) -> HttpResponseBase:
    request = RequestFactory().get("/", headers={"Accept-Encoding": accepted} | headers)
    return CompressionMiddleware(lambda _: response)(request)


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("gzip;q=0", ""),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("*;q=0", ""),
        ("identity", ""),
        ("identity, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=nonsense", ""),
        ("gzip;q=nan", ""),
        ("gzip ; q = 0.3", "gzip"),
        ("", ""),
        (",;q=,", ""),
        ("br," * 1_000, ""),
        ("deflate, zstd", ""),
    ],
)
def test_the_browser_chooses(accepted: str, chosen: str) -> None:
    assert encoding(accepted) == chosen


@pytest.mark.parametrize(("accepted", "unpack"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
def test_a_page_is_the_same_unpacked(saver_client: Client, accepted: str, unpack: object) -> None:
    plain = saver_client.get("/dashboard/")
    packed = saver_client.get("/dashboard/", headers={"Accept-Encoding": accepted})
    assert packed["Content-Encoding"] == accepted
    assert int(packed["Content-Length"]) == len(packed.content) < len(plain.content) / 2
    assert unpack(packed.content) == plain.content  # type: ignore[operator]
    for response in (plain, packed):
        assert {*response["Vary"].split(", ")} == {"HX-Request", "Cookie", "Accept-Encoding"}


def test_an_unchanged_page_is_304_whatever_the_browser_accepts(saver_client: Client) -> None:
    plain, packed = saver_client.get("/stash/"), saver_client.get("/stash/", headers=BOTH)
    assert plain["ETag"] == packed["ETag"]
    assert packed["ETag"].startswith("W/")
    for headers in ({}, BOTH):
        again = saver_client.get("/stash/", headers=headers | {"If-None-Match": packed["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert "Content-Encoding" not in again
        assert "Accept-Encoding" in again["Vary"]


def test_an_open_board_asks_as_before_and_is_answered_304(saver_client: Client, saver: User) -> None:
    circle = factories.start_circle()
    factories.join_circle(circle, saver, saved_kobo=100_00)
    leaderboards.rebuild_board(circle.pk)
    path = f"/circles/{circle.slug}/leaderboard/"
    part = saver_client.get(path, headers=BOTH | {"HX-Request": "true"})
    assert part["Content-Encoding"] == "br"
    headers = BOTH | {"HX-Request": "true", "If-None-Match": part["ETag"]}
    assert saver_client.get(path, headers=headers).status_code == 304


def test_head_says_what_get_does(saver_client: Client) -> None:
    got, head = saver_client.get("/stash/", headers=BOTH), saver_client.head("/stash/", headers=BOTH)
    assert (head["Content-Encoding"], head["Content-Type"]) == (got["Content-Encoding"], got["Content-Type"])
    assert "Accept-Encoding" in head["Vary"]
    # Its forms have another token, whose compressed length differs a little.
    assert abs(int(head["Content-Length"]) - int(got["Content-Length"])) < 100
    assert head.content == b""


def test_error_pages_fragments_forms_and_the_admin_are_compressed(saver_client: Client) -> None:
    staff = sign_in(factories.make_user(is_staff=True, is_superuser=True))
    responses = {
        404: saver_client.get("/transactions/NONE/", headers=BOTH),
        422: saver_client.post("/stash/fund/", {"amount": "x"}, headers=BOTH),
        405: saver_client.get("/circles/x/leave/", headers=BOTH),
    }
    assert {code: response.status_code for code, response in responses.items()} == {c: c for c in responses}
    others = [
        saver_client.get("/dashboard/?period=1y", headers=BOTH | {"HX-Request": "true"}),
        staff.get("/admin/", headers=BOTH),
        Client().get("/accounts/login/", headers=BOTH),
    ]
    for response in (*responses.values(), *others):
        assert response["Content-Encoding"] == "br", response


def test_a_cross_site_request_is_not_compressed(saver_client: Client) -> None:
    """Its length then reveals nothing to an attacker."""
    cross = saver_client.get("/dashboard/", headers=BOTH | {"Sec-Fetch-Site": "cross-site"})
    assert "Content-Encoding" not in cross
    for origin in ("same-origin", "none"):
        response = saver_client.get("/dashboard/", headers=BOTH | {"Sec-Fetch-Site": origin})
        assert response["Content-Encoding"] == "br"


def test_responses_other_than_html_are_unchanged(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(LONG)
    with (tmp_path / "a.html").open("rb") as file:
        left: list[HttpResponseBase] = [
            JsonResponse({"long": LONG}),
            HttpResponse(LONG, content_type="application/pdf"),
            HttpResponse(LONG, content_type="text/csv"),
            HttpResponse(LONG, content_type="text/plain"),
            HttpResponse("<p>short</p>"),
            HttpResponse(status=204),
            StreamingHttpResponse([LONG.encode()]),
            FileResponse(file),
            HttpResponse(LONG, headers={"Content-Encoding": "gzip"}),
            HttpResponse(LONG, headers={"Cache-Control": "no-transform"}),
            HttpResponse(LONG, headers={"Content-Range": "bytes 0-9/10"}),
        ]
        for response in left:
            before = dict(response.headers)
            assert answered(response) is response
            assert response.headers == before, before


def test_health_is_not_compressed(client: Client) -> None:
    assert "Content-Encoding" not in client.get("/readyz/", headers=BOTH)


def test_a_strong_tag_becomes_weak_where_the_bytes_change() -> None:
    assert answered(HttpResponse(LONG, headers={"ETag": '"x"'}))["ETag"] == 'W/"x"'
    assert answered(HttpResponse(LONG, headers={"ETag": '"x"'}), "")["ETag"] == '"x"'
    assert answered(HttpResponse(LONG, headers={"ETag": 'W/"x"'}))["ETag"] == 'W/"x"'


def test_a_token_of_a_compressed_cached_page_is_good(saver: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(saver)
    for _ in range(2):
        page = brotli.decompress(browser.get("/plans/", headers=BOTH).content).decode()
    token = page.partition('name="csrfmiddlewaretoken" value="')[2][:64]
    data = {"theme": "dark", "next": "/plans/", "csrfmiddlewaretoken": token}
    assert browser.post("/profile/theme/", data)["Location"] == "/plans/"


def test_a_full_dashboard_is_small_on_the_wire(saver: User, saver_client: Client) -> None:
    for number in range(6):
        factories.make_plan(saver, holding_kobo=(number + 1) * 12_345_67, name=f"Plan for the year {number}")
    factories.fill(saver, 30)
    for accepted in ("gzip, br", "gzip"):
        page = saver_client.get("/dashboard/", headers={"Accept-Encoding": accepted})
        assert len(page.content) <= 8_000


def test_it_comes_after_static_files_and_around_html_middleware() -> None:
    order = site.MIDDLEWARE
    at = order.index("web.middleware.compression.CompressionMiddleware")
    assert order[at - 1] == "whitenoise.middleware.WhiteNoiseMiddleware"
    for outer in (
        "web.observability.request_costs.CountingMiddleware",
        "django.middleware.security.SecurityMiddleware",
    ):
        assert order.index(outer) < at
