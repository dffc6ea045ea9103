"""The guard in conftest.py: a page that loads a related row per row fails its test, even with few rows."""

from __future__ import annotations

import pytest
from django.core.exceptions import FieldFetchBlocked
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django.fixtures import Settings

from savings.models import Transaction, User
from tests.factories import make_plan, pay_in
from web.http import SaverRequest

pytestmark = pytest.mark.django_db


def row_by_row(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str([str(movement.user) for movement in Transaction.objects.all()]))


def column_by_column(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str([movement.reference for movement in Transaction.objects.only("kind")]))


def from_the_person(request: SaverRequest) -> HttpResponse:
    mine = request.user.transactions.all()
    return HttpResponse(str([str(movement.plan) for movement in mine]))


def joined(request: HttpRequest) -> HttpResponse:
    found = Transaction.objects.select_related("user")
    return HttpResponse(str([str(movement.user) for movement in found]))


urlpatterns = [
    path("lab/rows/", row_by_row),
    *(path(f"{view.__name__}/", view) for view in (row_by_row, column_by_column, from_the_person, joined)),
    # Links are resolved when a template is compiled, which may be in this test.
    path("", include("web.urls")),
]


@pytest.fixture(autouse=True)
def _pages(saver_client: Client, saver: User, settings: Settings) -> None:
    pay_in(saver, 100, plan=make_plan(saver))
    settings.ROOT_URLCONF = __name__


@pytest.mark.parametrize("page", ["row_by_row", "column_by_column", "from_the_person"])
def test_a_page_that_fetches_lazily_fails(saver_client: Client, page: str) -> None:
    with pytest.raises(FieldFetchBlocked):
        saver_client.get(f"/{page}/")


def test_rows_loaded_by_the_query_may_be_shown(saver_client: Client, saver: User) -> None:
    assert saver.email in saver_client.get("/joined/").content.decode()


def test_the_lab_and_posts_may_fetch_lazily(saver_client: Client, saver: User) -> None:
    for answer in (saver_client.get("/lab/rows/"), saver_client.post("/row_by_row/")):
        assert saver.email in answer.content.decode()
