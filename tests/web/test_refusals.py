"""Refusals are shown beside a field, as a notice, or on a page, with htmx and without."""

from __future__ import annotations

from typing import ClassVar

import pytest
from django import forms
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from savings.exceptions import NotEnoughMoney, Refused
from tests.web.test_notices import notices, page
from web.forms.fields import MoneyField
from web.forms.refusals import RefusableForm
from web.http import SaverRequest, render_part
from web.notices import notify
from web.refusals import refusals_lead_to
from web.urls import urlpatterns as site_urls

HTMX = {"HX-Request": "true"}


class GoalForm(RefusableForm):
    name = forms.CharField()
    target = MoneyField()
    about = forms.CharField(required=False)
    field_names: ClassVar = {"plan": "about"}


def refuse(request: SaverRequest) -> HttpResponse:
    notify(request, "Said before")
    raise NotEnoughMoney


@refusals_lead_to("test_plan")
def refuse_plan(request: SaverRequest, plan_id: int) -> HttpResponse:
    raise Refused(f"Plan {plan_id} is not empty.")


def plan(request: SaverRequest, plan_id: int) -> HttpResponse:
    return render_part(request, "page.html", "part")


def send(request: SaverRequest, field: str) -> HttpResponse:
    """A form that the rules refuse, on a field named as in `savings`."""
    form = GoalForm(request.POST)
    if form.is_valid():
        with form.refusals():
            raise Refused("Say it otherwise.", field=field)
    return render_part(request, "page.html", "part", {"form": form}, status=422)


urlpatterns = [
    *site_urls,
    path("test/page/", page),
    path("test/refuse/", refuse),
    path("test/plans/<int:plan_id>/", plan, name="test_plan"),
    path("test/plans/<int:plan_id>/refuse/", refuse_plan),
    path("test/send/<str:field>/", send),
]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("sample_page")]


def test_a_refusal_that_no_form_shows_is_a_page_with_its_sentence(saver_client: Client) -> None:
    response = saver_client.get("/test/refuse/")
    assert response.status_code == 422
    assert "There is not enough money there." in response.text


def test_a_refusal_to_htmx_is_a_notice_and_replaces_nothing(saver_client: Client) -> None:
    response = saver_client.get("/test/refuse/", headers=HTMX)
    assert (response.status_code, response["HX-Reswap"]) == (422, "none")
    assert 'hx-swap-oob="beforeend:#toasts"' in response.text
    assert "<html" not in response.text
    assert notices(response.text) == ["Said before", "There is not enough money there."]


def test_a_refusal_leads_to_the_page_that_its_view_names(saver_client: Client) -> None:
    response = saver_client.post("/test/plans/7/refuse/", follow=True)
    assert response.redirect_chain == [("/test/plans/7/", 302)]
    assert notices(response.text) == ["Plan 7 is not empty."]
    assert 'class="note toast bad"' in response.text


def test_a_refusal_takes_htmx_to_the_page_that_its_view_names(saver_client: Client) -> None:
    response = saver_client.post("/test/plans/7/refuse/", headers=HTMX)
    assert (response.status_code, response["HX-Redirect"]) == (200, "/test/plans/7/")
    assert notices(saver_client.get("/test/page/").text) == ["Plan 7 is not empty."]


def test_a_refused_button_leads_back_to_its_page(saver_client: Client) -> None:
    came_from = {"Referer": "http://testserver/test/page/?q=1"}
    response = saver_client.post("/test/refuse/", {"csrfmiddlewaretoken": "x"}, headers=came_from)
    assert (response.status_code, response["Location"]) == (302, "/test/page/")
    assert notices(saver_client.get("/test/page/").text) == [
        "Said before",
        "There is not enough money there.",
    ]


def test_a_refusal_does_not_lose_what_was_typed(saver_client: Client) -> None:
    came_from = {"Referer": "http://testserver/test/page/"}
    response = saver_client.post("/test/refuse/", {"amount": "5"}, headers=came_from)
    assert response.status_code == 422
    assert 'href="/test/page/">Go back</a>' in response.text


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "http://testserver/test/refuse/",
        "http://testserver//evil.example/",
        "http://testserver/no/",
        "//[",
    ],
)
def test_a_refusal_leads_to_no_page_that_is_not_there(saver_client: Client, referer: str) -> None:
    response = saver_client.post("/test/refuse/", headers={"Referer": referer})
    assert response.status_code == 422
    assert ">Go home</a>" in response.text


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(("field", "shown"), [("name", "name"), ("target_kobo", "target"), ("plan", "about")])
def test_a_form_shows_a_refusal_beside_its_field_and_what_was_typed(
    saver_client: Client, headers: dict[str, str], field: str, shown: str
) -> None:
    typed = {"name": "Rent 2027", "target": "5,000"}
    response = saver_client.post(f"/test/send/{field}/", typed, headers=headers)
    assert response.status_code == 422
    assert f'<a href="#id_{shown}">' in response.text
    assert 'value="Rent 2027"' in response.text
    assert ("<html" in response.text) == (not headers)


def test_a_form_shows_a_refusal_about_another_field_above(saver_client: Client) -> None:
    response = saver_client.post("/test/send/password/", {"name": "Rent", "target": "5"}, headers=HTMX)
    assert response.text.count("Say it otherwise.") == 1
    assert 'aria-invalid="true"' not in response.text


def test_only_a_refusal_is_caught() -> None:
    form = GoalForm({"name": "Rent", "target": "5"})
    with pytest.raises(ValueError, match="a mistake"), form.refusals():
        raise ValueError("a mistake")
    assert form.is_valid()
