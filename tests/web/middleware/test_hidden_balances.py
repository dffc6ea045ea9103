"""A browser that hides sums gets none: not in a text, a chart, an alternative text or a part of a page."""

from __future__ import annotations

import re
import time

import pytest
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from django.urls import resolve
from pytest_django.fixtures import Settings

from savings.models import User
from tests.factories import fill, make_plan, pay_in
from tests.web.test_every_url import URLS, examples, owner, path_of  # noqa: F401 (fixtures)
from web.hidden_balances import COOKIE, HIDDEN
from web.middleware.hidden_balances import SHOWN_VIEWS, HiddenBalancesMiddleware, without_sums

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

_SUM = re.compile(r"₦\s*[0-9]|>[0-9.]+[kmb]<")


def hiding(user: User) -> Client:
    client = Client()
    client.force_login(user)
    client.cookies[COOKIE] = HIDDEN
    return client


def test_no_page_shows_a_sum(owner: User, examples: dict[str, str]) -> None:  # noqa: F811
    fill(owner, 30)
    client, seen = hiding(owner), 0
    for url in URLS:
        path = path_of(url, examples | {"token": "x"})
        if resolve(path).view_name in SHOWN_VIEWS or path.startswith(("/accounts/", "/admin/", "/lab/")):
            continue
        for headers in ({}, {"HX-Request": "true"}):
            response = client.get(path, headers=headers)
            if response.get("Content-Type", "").startswith("text/html") and response.status_code == 200:
                html = response.content.decode()
                seen += "₦••••" in html
                assert not _SUM.search(html), (path, _SUM.search(html))
    assert seen > 20


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("₦1,250,400.00", "₦••••"),
        ("₦1,250,400<small>.00</small>!", "₦••••!"),
        ("₦1,250,400<wbr><small>.00</small>", "₦••••"),
        ("<b>₦1,250,400<wbr>.00</b>", "<b>₦••••</b>"),
        ("₦1,500, ₦2,000. Then 3", "₦••••, ₦••••. Then 3"),
        ("₦11,500 more", "₦•••• more"),
        ("−\u202f₦5.00, +\u202f₦0.05.", "−\u202f₦••••, +\u202f₦••••."),
        ("₦2.5m and ₦300k", "₦•••• and ₦••••"),
        ('<p aria-label="₦1.00 of ₦2.00">50 %</p>', '<p aria-label="₦•••• of ₦••••">50 %</p>'),
        ('<input value="25,000">', '<input value="25,000">'),
        ("₦ is our sign", "₦ is our sign"),
        (
            '<div class="y" aria-hidden="true"><span>1.5m</span><span>0</span></div>',
            '<div class="y" aria-hidden="true"><span>••••</span><span>••••</span></div>',
        ),
        (
            '<div class="y" aria-hidden="true"><span>3rd</span></div><span>7</span>',
            '<div class="y" aria-hidden="true"><span>3rd</span></div><span>7</span>',
        ),
    ],
)
def test_a_sum_is_replaced_as_a_whole(html: str, shown: str) -> None:
    assert without_sums(html.encode()).decode() == shown


def test_the_sign_of_another_currency_is_no_pattern(settings: Settings) -> None:
    settings.CURRENCY_SIGN = "$"
    assert without_sums(b"$1,250.00 and \xe2\x82\xa65") == "$•••• and ₦5".encode()


def test_a_text_of_digits_takes_no_longer_than_its_length() -> None:
    html = ("₦" + "1," * 200_000 + "<wbr>").encode()
    began = time.process_time()
    without_sums(html)
    assert time.process_time() - began < 5


def test_other_responses_are_left_alone(rf: RequestFactory) -> None:
    def answered(response: HttpResponseBase, path: str = "/stash/", **cookies: str) -> bytes:
        request = rf.get(path)
        request.COOKIES.update(cookies)
        request.resolver_match = resolve(path)
        answer = HiddenBalancesMiddleware(lambda _: response)(request)
        assert isinstance(answer, HttpResponse)
        return answer.content

    text = "₦5.00"
    assert "₦5.00" in answered(HttpResponse(text)).decode()
    assert "₦5.00" not in answered(HttpResponse(text), balances=HIDDEN).decode()
    assert b"5.00" in answered(JsonResponse({"sum": text}), balances=HIDDEN)
    assert "₦5.00" in answered(HttpResponse(text, status=422), balances=HIDDEN).decode()
    assert "₦5.00" in answered(HttpResponse(text), "/plans/1/exit/", balances=HIDDEN).decode()


def test_the_button_hides_and_shows_and_returns(saver: User, saver_client: Client) -> None:
    make_plan(saver, holding_kobo=1_234_567)
    assert "12,345<small>.67" in saver_client.get("/dashboard/").content.decode()
    answer = saver_client.post("/profile/hide-balances/", {"hide": "1", "next": "/dashboard/"})
    assert answer["Location"] == "/dashboard/"
    cookie = answer.cookies[COOKIE]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (HIDDEN, True, "Lax")
    page = saver_client.get("/dashboard/").content.decode()
    assert "12,345" not in page
    assert "Show balances" in page
    saver_client.post("/profile/hide-balances/", {"next": "/dashboard/"})
    assert "12,345<small>.67" in saver_client.get("/dashboard/").content.decode()


def test_hidden_and_shown_pages_are_both_kept_and_never_mixed_up(saver: User) -> None:
    plan = make_plan(saver)
    pay_in(saver, 1_234_567, plan=plan)
    shown, hidden = Client(), hiding(saver)
    shown.force_login(saver)
    pages = {}
    for _ in range(2):
        for name, client in (("shown", shown), ("hidden", hidden)):
            response = client.get("/plans/")
            pages[name] = response
    assert "12,345" in pages["shown"].content.decode()
    assert "12,345" not in pages["hidden"].content.decode()
    assert pages["shown"]["ETag"] != pages["hidden"]["ETag"]
    # The browser of a shown page hides from now on: its stored page is not confirmed.
    shown.cookies[COOKIE] = HIDDEN
    again = shown.get("/plans/", headers={"If-None-Match": pages["shown"]["ETag"]})
    assert again.status_code == 200
    assert "12,345" not in again.content.decode()
