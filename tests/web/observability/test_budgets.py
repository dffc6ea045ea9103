"""Budgets: every page has one and keeps to it, with few and with many rows, and docs/performance.md lists them."""

from __future__ import annotations

import datetime

import pytest
import redis
from django.conf import settings as site
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.http import HttpRequest, HttpResponse
from django.template import Engine
from django.urls import URLPattern, get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import leaderboards, payments, plans, references
from savings.demo import cast
from savings.models import Circle, Device, Membership, OutboxRow, Payment, Plan, Product, User
from tests.autosave import make_rule
from tests.cards import make_card
from tests.factories import fill, join_circle, make_plan, make_product, make_user, pay_in, start_circle
from tests.payouts import ask, make_recipient
from tests.provider import Provider
from tests.web.shelf import written
from tests.web.withdrawing import serve_banks
from web.observability import budgets, page_costs
from web.observability.budgets import BUDGETS, WITHOUT_BUDGET, Budget
from web.observability.page_costs import Cost
from web.pages.payouts import MOST_ON_THE_WAY

pytestmark = pytest.mark.django_db

# The most visited pages.
KEPT = {
    "dashboard:home",
    "plans:index",
    "plans:detail",
    "stash:home",
    "transactions:index",
    "transactions:index?before",
    "transactions:receipt",
    "circles:detail",
    "circles:leaderboard",
}


def make_saver(each: int, email: str | None = None) -> User:
    """A user with `each` of everything who owns circles, the last of which has more members than that."""
    user, product, target = make_user(email), make_product(), make_product(Product.Kind.TARGET)
    make_product(Product.Kind.LOCKED)
    start_circle(product=product, joining=Circle.Joining.OPEN)
    _end_plans(user, product, each)
    _give_notices(make_plan(user, make_product(Product.Kind.EMERGENCY), holding_kobo=1_000_00), min(each, 10))
    Device.objects.bulk_create(
        Device(user=user, label="Firefox on Windows", token_hash=f"device-{number}") for number in range(each)
    )
    for number in range(each):
        circle = start_circle(user, product)
        plan = make_plan(user, target, holding_kobo=1_000_00)
        written(user, scope="plan", plan=plan)
        OutboxRow.objects.create(kind="welcome", dedupe_key=f"mail-{number}", user=user, text="Hello " * 50)
    pay_in(user, 50_00, plan=circle.memberships.get().plan)
    for _ in range(each):
        join_circle(circle, saved_kobo=100_00)
    fill(user, each, plan=plan)
    pay_in(user, 5_000_00)
    for _ in range(each):
        make_rule(plan)
    for _ in range(min(each, payments.MOST_RECIPIENTS)):
        make_recipient(user)
    for _ in range(min(each, payments.MOST_CARDS)):
        make_card(user)
    for _ in range(min(each, 2 * MOST_ON_THE_WAY)):
        ask(user, 100_00)
    Payment.objects.create(
        transaction=pay_in(user, 1_000_00, plan=plan), card="408408******4081", fee_kobo=15_00
    )
    _let_a_day_pass(circle)
    return user


def _end_plans(user: User, product: Product, count: int) -> None:
    """Make plans whose money has moved to the stash, and which are closed."""
    for _ in range(count):
        plan = make_plan(user, product, holding_kobo=1_000_00)
        reference = references.new("plan_to_stash")
        plans.move_from_plan(user, plan, amount_kobo=1_000_00, reference=reference)
        plans.close(plan)


def _give_notices(plan: Plan, notices: int) -> None:
    for _ in range(notices):
        plans.give_notice(
            plan.user, plan, amount_kobo=10_00, reference=references.mint(references.NOTICE_PREFIX)
        )


def _let_a_day_pass(circle: Circle) -> None:
    day = datetime.timedelta(days=1)
    Circle.objects.filter(pk=circle.pk).update(starts_on=circle.starts_on - day)
    Membership.objects.filter(circle=circle).update(joined_at=timezone.now() - day)
    leaderboards.rebuild_board(circle.pk)
    leaderboards.record_days(timezone.now())


@pytest.fixture(autouse=True)
def _mailbox(settings: Settings) -> None:
    settings.SHOWS_MAILBOX = True


@pytest.fixture(autouse=True)
def _banks(provider: Provider) -> None:
    serve_banks(provider, 250)


@pytest.mark.parametrize("each", [1, 40])
def test_every_page_keeps_to_its_budget(each: int) -> None:
    found = list(page_costs.measure(make_saver(each), BUDGETS))
    assert [budget.name for budget, cost in found if cost is None] == []
    assert [(budget.name, cost) for budget, cost in found if cost and cost.excess(budget)] == []


def test_a_page_that_people_look_at_most_costs_one_query_once_it_is_kept() -> None:
    assert {budget.name for budget in BUDGETS if budget.name in KEPT and budget.warm <= 1} == KEPT


def routes() -> dict[str, URLPattern]:
    """Return our own URLs by full name, without the lab, which shows bad practice on purpose."""
    found = {}
    for resolver in get_resolver().url_patterns:
        for pattern in getattr(resolver, "url_patterns", [resolver]):
            view = getattr(pattern.callback, "__module__", "")
            if view.startswith("web.views.") and not view.startswith("web.views.lab"):
                name = getattr(resolver, "namespace", None)
                found[f"{name}:{pattern.name}" if name else pattern.name] = pattern
    return found


def answers_get(pattern: URLPattern) -> bool:
    """Return whether a view accepts GET; one that does not answers 405 before anything else."""
    request = HttpRequest()
    request.method = "GET"
    try:
        answer: HttpResponse = pattern.callback(request)
    except Exception:
        # The view fails on its missing arguments, session or user.
        return True
    return answer.status_code != 405


def test_every_page_of_ours_has_a_budget_or_a_reason_why_not() -> None:
    ours = {name for name, pattern in routes().items() if answers_get(pattern)}
    assert ours == {budget.route for budget in BUDGETS} - {"account_login"} | set(WITHOUT_BUDGET)


def test_the_performance_page_shows_the_budgets() -> None:
    assert budgets.markdown() in (site.BASE_DIR / "docs/performance.md").read_text()


def test_each_figure_above_its_budget_is_named() -> None:
    cost = Cost(cold=2, warm=1, calls=3, size=500)
    assert cost.excess(Budget("x", 2, 1, 3, 500, "x")) == []
    assert cost.excess(Budget("x", 1, 1, 3, 499, "x")) == ["cold", "size"]


def test_measuring_leaves_nothing_behind(redis_clients: list[redis.Redis]) -> None:
    saver = make_saver(1)
    before = [set(client.scan_iter()) for client in redis_clients]
    list(
        page_costs.measure(
            saver, [budget for budget in BUDGETS if budget.route in {"plans:index", "circles:detail"}]
        )
    )
    assert [set(client.scan_iter()) for client in redis_clients] == before
    assert not Session.objects.exists()


def test_the_command_prints_every_page_for_the_person_of_the_demo(
    capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    settings.DEBUG = True
    make_saver(1, cast.ADA.email)
    call_command("budgets")
    printed = capsys.readouterr().out
    assert all(f"\n{budget.name} " in printed for budget in BUDGETS)
    assert "Every page is within its budget." in printed


def test_the_tools_of_development_are_not_measured(settings: Settings) -> None:
    (budget,) = [budget for budget in BUDGETS if budget.name == "help:home"]
    sizes = []
    for settings.DEBUG in (False, True):
        for loader in Engine.get_default().template_loaders:
            loader.reset()
        ((_, cost),) = page_costs.measure(make_user(), [budget])
        assert cost
        sizes.append(cost.size)
    assert sizes[0] == sizes[1]


def test_the_command_fails_where_a_page_costs_too_much(
    capsys: pytest.CaptureFixture[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    make_saver(1, cast.ADA.email)
    monkeypatch.setattr(
        "web.management.commands.budgets.BUDGETS", [Budget("plans:index", 1, 1, 1, 99_000, "Plans")]
    )
    with pytest.raises(SystemExit, match="1"):
        call_command("budgets")
    assert "OVER BUDGET: cold" in capsys.readouterr().out


def test_the_command_says_how_to_load_the_demo(settings: Settings) -> None:
    settings.DEBUG = True
    with pytest.raises(CommandError, match=r"manage\.py demo"):
        call_command("budgets")


def test_a_server_measures_nobody() -> None:
    make_user(cast.ADA.email)
    with pytest.raises(CommandError, match="DEBUG=1"):
        call_command("budgets")
