"""The page cache fails closed: a page with a read that no version covers is shown but not stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import circles, leaderboards, plans
from savings.circles import ending
from savings.leaderboards import progress
from savings.models import Circle, Device, Plan, Product, Statement, User
from tests.factories import change_product, make_user
from tests.web.caching import test_pages as test_caching
from tests.web.caching.test_pages import Person, text
from tests.web.staff import sign_in
from web.caching import fragments, reads
from web.caching import pages as page_cache

pytestmark = pytest.mark.django_db

circle, ada = test_caching.circle, test_caching.ada


@pytest.fixture(autouse=True)
def _board(circle: Circle, ada: Person) -> None:
    leaderboards.rebuild_board(circle.pk)


def pages(person: Person) -> list[str]:
    return [*person.pages, f"/circles/{person.member.circle.slug}/members/"]


def test_every_cached_view_is_walked_here(ada: Person) -> None:
    from tests.test_conventions import our_urls  # noqa: PLC0415

    cached = {
        p.callback.__qualname__ for p in our_urls() if "page.<locals>" in p.callback.__code__.co_qualname
    }
    walked = {ada.client.get(path).resolver_match.func.__qualname__ for path in pages(ada)}
    assert cached == walked


def by_the_orm() -> None:
    list(Statement.objects.values_list("pk"))


def by_raw_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM savings_plan, savings_device")


def of_a_table_that_is_no_model() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1 from django_migrations")


def of_everybody_who_may() -> None:
    list(User.objects.filter(groups__name="x"))


def from_the_cache() -> None:
    cache.get("something-else:1")


@pytest.mark.parametrize(
    "read", [by_the_orm, by_raw_sql, of_a_table_that_is_no_model, of_everybody_who_may, from_the_cache]
)
def test_an_uncovered_read_keeps_any_page_from_the_cache(
    ada: Person, read: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = reads.uncovered
    begin = reads.recording

    def and_more(find: Any) -> Any:
        block = begin(find)
        enter = block.__enter__

        class Block:
            def __enter__(self) -> set[str]:
                found = enter()
                read()
                return found

            def __exit__(self, *error: object) -> Any:
                return block.__exit__(*error)  # type: ignore[arg-type]

        return Block()

    monkeypatch.setattr(reads, "recording", and_more)
    for path in pages(ada):
        for _ in range(2):
            response = ada.client.get(path)
            assert (response.status_code, "ETag" in response) == (200, False), path
    assert not test_caching.cached_keys() or not [key for key in test_caching.cached_keys() if "page" in key]
    monkeypatch.undo()
    assert named is reads.uncovered


def test_each_page_is_stored_without_it(ada: Person) -> None:
    for path in pages(ada):
        assert "ETag" in ada.client.get(path), path


def test_rows_of_circles_need_the_version_of_a_board(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "shows_circle", lambda *_: None)
    for path in (
        "/dashboard/",
        f"/circles/{ada.member.circle.slug}/",
        f"/circles/{ada.member.circle.slug}/members/",
    ):
        assert "ETag" not in ada.client.get(path), path


def test_a_fragment_is_not_stored_where_a_page_would_not_be(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = caches["template_fragments"]
    store.set("template.cache.x", "text", 60)
    assert store.get("template.cache.x") is None
    with reads.recording(sorted):
        store.set("template.cache.x", "text", 60)
        assert store.get("template.cache.x") == "text"
        by_the_orm()
        store.set("template.cache.y", "text", 60)
        assert store.get("template.cache.y") is None


def test_a_model_that_no_version_covers_cannot_be_named() -> None:
    with pytest.raises(TypeError, match="Device"):
        page_cache.page(shows=(Device, Plan))
    with pytest.raises(TypeError, match="Statement"):
        page_cache.page(shows=(Plan,), own=(Statement,))


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ('SELECT "savings_plan"."id" FROM "savings_plan" U0', {"savings_plan"}),
        ("SELECT 1 FROM savings_plan, savings_user u", {"savings_plan", "savings_user"}),
        ('WITH x AS (SELECT 1 FROM "savings_entry") SELECT * FROM x', {"savings_entry"}),
        ("select 1 from (select 2) y join lateral (select 3) z on true", set()),
        ("SELECT 1 FROM elsewhere", {"elsewhere"}),
        ('UPDATE "savings_user_groups" SET id = 1', {"savings_user_groups"}),
    ],
)
def test_tables_are_found_by_their_names(sql: str, tables: set[str]) -> None:
    assert reads.tables_in(sql) == tables


def test_a_circle_renamed_after_its_end_has_its_new_name_on_the_page_of_the_plan(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    circle = ada.member.circle
    Circle.objects.filter(pk=circle.pk).update(ends_on=timezone.localdate(), starts_on="2020-01-01")
    circle.refresh_from_db()
    assert ending.end_circle(circle)
    path = f"/plans/{ada.member.plan_id}/"
    assert circle.name in text(ada.client, path)
    circles.edit_circle(
        circle, name="Quite another", description="", joining=circle.joining, goal_kobo=circle.goal_kobo
    )
    assert "Quite another" in text(ada.client, path)


def rename(product: Product) -> None:
    product.name = "Renamed"
    product.save()


def rename_by_update(product: Product) -> None:
    Product.objects.filter(pk=product.pk).update(name="Renamed")


def rename_in_bulk(product: Product) -> None:
    product.name = "Renamed"
    Product.objects.bulk_update([product], ["name"])


@pytest.mark.parametrize("change", [rename, rename_by_update, rename_in_bulk])
def test_a_changed_product_is_on_every_page_that_shows_it(
    ada: Person, change: Callable[[Product], None]
) -> None:
    paths = ["/dashboard/", "/plans/", f"/plans/{ada.plan.pk}/"]
    for path in paths:
        text(ada.client, path)
    change(ada.plan.product)
    plans.copy_product_name(Product.objects.get(pk=ada.plan.product_id))
    for path in paths:
        assert "Renamed" in text(ada.client, path), path


def post_change(staff: Client, path: str, **changes: str) -> None:
    form = staff.get(path).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    # As a browser does: an unticked box sends nothing.
    data = {name: value for name, value in values.items() if value is not None and value is not False}
    assert staff.post(path, data | changes).status_code == 302


def test_an_edit_by_staff_is_on_every_page_at_once(ada: Person) -> None:
    staff = sign_in(make_user(is_staff=True, is_superuser=True))
    for path in pages(ada):
        text(ada.client, path)
    change_product(ada.plan.product, name="Changed product")
    assert "Changed product" in text(ada.client, "/plans/")
    post_change(staff, f"/admin/savings/user/{ada.user.pk}/change/", name="Changed Person", theme="dark")
    for path in pages(ada):
        shown = text(ada.client, path)
        assert "Changed Person" in shown, path
        assert 'data-theme="dark"' in shown, path


@pytest.mark.parametrize(
    "changed", [{"PLAN_MAX_KOBO": 7}, {"CURRENCY": "GHS"}, {"DATE_FORMAT": "j"}, {"CIRCLE_MEMBER_LIMIT": 3}]
)
def test_pages_made_with_another_setting_are_not_shown(changed: dict[str, object]) -> None:
    # Another test may have created it with other settings.
    fragments.code_version.cache_clear()
    before = fragments.code_version()
    fragments.code_version.cache_clear()
    with override_settings(**changed):
        assert fragments.code_version() != before
    fragments.code_version.cache_clear()
    assert fragments.code_version() == before


def test_the_name_of_the_release_stands_for_the_files(settings: Settings, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    (tmp_path / "web").mkdir()
    source = tmp_path / "web" / "urls.py"

    def version(release: str, code: str) -> str:
        settings.RELEASE = release
        source.write_text(code)
        fragments.code_version.cache_clear()
        return fragments.code_version()

    try:
        assert version("", "one") != version("", "two")
        assert version("41c7", "one") == version("41c7", "two")
        assert version("41c7", "one") != version("41c8", "one")
    finally:
        fragments.code_version.cache_clear()


def test_progress_of_another_epoch_counts_as_none(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_ALWAYS_FRESH", 0)
    cache.set(f"circle:{ada.member.circle_id}:progress", ["another", 9, 9_999_00, 0], 60)
    assert leaderboards.progress_of(ada.member.circle).members == 2
