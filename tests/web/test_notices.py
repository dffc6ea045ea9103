"""Notices reach the user in a page, in a fragment and after a redirect, with htmx and without."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from web.http import SaverRequest, redirect, render_part
from web.notices import notify
from web.urls import urlpatterns as site_urls

HTMX = {"HX-Request": "true"}


def page(request: SaverRequest) -> HttpResponse:
    """A page that notifies as often as its URL says."""
    for text in request.GET.getlist("notice"):
        notify(request, text, about=request.GET.get("about", ""))
    return render_part(request, "page.html", "part")


def leave_notice(request: SaverRequest) -> HttpResponse:
    notify(request, "₦500.00 saved", "Rent <2027>")
    return redirect(request, "/test/page/")


urlpatterns = [
    *site_urls,
    path("test/page/", page),
    path("test/leave-notice/", leave_notice),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("sample_page")]


def notices(text: str) -> list[str]:
    """Return the notices of a page or fragment, without the hidden ones of feedback.js."""
    return re.findall(r"<strong>(.*?)</strong>", text.partition("<template")[0])


def test_a_notice_left_before_a_redirect_is_on_the_next_page_once(saver_client: Client) -> None:
    page = saver_client.get("/test/leave-notice/", follow=True).text
    assert "<strong>₦500.00 saved</strong>" in page
    assert '<span class="sub">Rent &lt;2027&gt;</span>' in page
    assert "saved" not in saver_client.get("/test/page/").text


def test_htmx_finds_the_notice_on_the_page_that_it_opens(saver_client: Client) -> None:
    response = saver_client.get("/test/leave-notice/", headers=HTMX)
    assert (response["HX-Redirect"], response.content) == ("/test/page/", b"")
    assert notices(saver_client.get("/test/page/").text) == ["₦500.00 saved"]


def test_a_whole_page_shows_its_own_notice_once(saver_client: Client) -> None:
    assert notices(saver_client.get("/test/page/?notice=Saved").text) == ["Saved"]
    assert notices(saver_client.get("/test/page/").text) == []


def test_htmx_gets_its_part_and_the_notice_beside_it(saver_client: Client) -> None:
    response = saver_client.get("/test/page/?notice=Saved", headers=HTMX)
    assert response.text.startswith('<p id="part">')
    assert 'hx-swap-oob="beforeend:#toasts"' in response.text
    assert "<html" not in response.text
    assert notices(saver_client.get("/test/page/").text) == []


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_notice_names_what_it_is_about(saver_client: Client, headers: dict[str, str]) -> None:
    response = saver_client.get("/test/page/?notice=Ready&about=statement-7", headers=headers)
    assert 'data-about="statement-7"' in response.text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_two_notices_of_one_response_are_both_shown_in_order(
    saver_client: Client, headers: dict[str, str]
) -> None:
    response = saver_client.get("/test/page/?notice=First&notice=Second", headers=headers)
    assert notices(response.text) == ["First", "Second"]


def test_a_part_without_a_notice_has_nothing_beside_it(saver_client: Client) -> None:
    assert "toasts" not in saver_client.get("/test/page/", headers=HTMX).text
