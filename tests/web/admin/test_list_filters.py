"""The filters of the admin's lists by state, each with an index that finds its rows."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from savings import backoffice
from savings.backoffice import Verb
from savings.models import (
    AuditRow,
    AutosaveRule,
    AutosaveRun,
    BoardDay,
    CircleEvent,
    Membership,
    Plan,
    User,
)
from savings.models.audit import LOOKS
from tests.factories import make_circle, make_plan, make_user, start_circle
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user("ada@example.com", name="Ada Okafor")


def listed(client: Client, model: str, **query: str) -> list[Any]:
    """Return the rows of the first page of a list."""
    return list(client.get(reverse(f"admin:savings_{model}_changelist"), query).context["cl"].page.rows)


def test_plans_by_state(desk: Client, ada: User) -> None:
    running, matured, ended, shared = (
        make_plan(ada, name=name) for name in ("Rent", "School", "Trip", "Lagos")
    )
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    Plan.objects.filter(pk=matured.pk).update(
        started_on=yesterday - datetime.timedelta(days=90), matures_on=yesterday
    )
    Plan.objects.filter(pk=ended.pk).update(closed_at=timezone.now())
    Membership.objects.create(circle=make_circle(owner=ada), user=ada, plan=shared, nickname="Ada")
    assert listed(desk, "plan", state="running") == [shared, running]
    assert listed(desk, "plan", state="matured") == [matured]
    assert listed(desk, "plan", state="closed") == [ended]
    assert listed(desk, "plan", state="circles") == [shared]


@pytest.mark.parametrize("model", ["boardday", "circleevent"])
def test_rows_of_one_circle(desk: Client, ada: User, model: str) -> None:
    rows = {}
    for circle in (start_circle(ada, name="Rent"), start_circle(ada, name="School")):
        BoardDay.objects.create(
            circle=circle, day=timezone.localdate(), taken_at=timezone.now(), size=0, marks=[]
        )
        found = BoardDay if model == "boardday" else CircleEvent
        rows[circle] = list(found.objects.filter(circle=circle).order_by("-pk"))
    for circle, own in rows.items():
        assert listed(desk, model, circle=str(circle.pk)) == own
        assert listed(desk, model, q=circle.slug) == own
        page = desk.get(reverse("admin:savings_circle_change", args=[circle.pk])).text
        assert f"{reverse(f'admin:savings_{model}_changelist')}?circle={circle.pk}" in page


def test_cases_open_or_solved(desk: Client, finance: User, ada: User) -> None:
    waiting, solved = (
        backoffice.open_question(ada, summary=text, text="", by=finance) for text in ("Where", "When")
    )
    backoffice.solve(solved, by=finance, outcome="Done")
    assert listed(desk, "case") == [waiting]
    assert listed(desk, "case", state="solved") == [solved]
    assert listed(desk, "case", state="all") == [solved, waiting]


def test_people_by_what_they_are(desk: Client, finance: User, ada: User) -> None:
    frozen, closed = make_user(frozen="withdrawals"), make_user(closed_at=timezone.now(), is_active=False)
    assert listed(desk, "user", state="savers") == [closed, frozen, ada]
    assert listed(desk, "user", state="staff") == [finance]
    assert listed(desk, "user", state="frozen") == [frozen]
    assert listed(desk, "user", state="closed") == [closed]


@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_auto_saves_by_state(desk: Client, ada: User, status: str) -> None:
    today = timezone.localdate()
    rule = AutosaveRule.objects.create(
        reference="ASR1", user=ada, plan=make_plan(ada), source="stash", amount_kobo=5_00, every="day"
    )
    runs = {
        name: AutosaveRun.objects.create(
            rule=rule,
            due_on=today - datetime.timedelta(days=days),
            amount_kobo=5_00,
            source="stash",
            status=name,
            ended_at=timezone.now(),
        )
        for days, name in enumerate(("done", "failed", "skipped"))
    }
    assert listed(desk, "autosaverun", state=status) == [runs[status]]


def test_the_audit_log_without_looks(finance: User, ada: User) -> None:
    for verb in (*LOOKS, "frozen"):
        backoffice.record(verb, by=finance, saver=ada)
    auditor = sign_in(make_staff("Auditor"))
    assert [row.verb for row in listed(auditor, "auditrow", verb="actions", saver=str(ada.pk))] == ["frozen"]


def test_looks_are_in_the_audit_log() -> None:
    assert set(LOOKS) <= set(Verb.values)


@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (lambda: User.objects.exclude(frozen=""), "user_frozen"),
        (lambda: User.objects.filter(closed_at__isnull=False), "user_closed"),
        (Plan.objects.closed, "plan_closed"),
        (lambda: Plan.objects.matured(timezone.localdate()), "plan_with_maturity"),
        (lambda: AutosaveRun.objects.filter(status="skipped"), "autosave_run_not_done"),
        (AuditRow.objects.actions, "audit_actions"),
    ],
    ids=["frozen", "closed accounts", "closed", "matured", "skipped", "actions"],
)
def test_a_filter_reads_its_index(rows: Callable[[], QuerySet[Any]], index: str) -> None:
    """On both databases: the condition of the query has to match that of the index."""
    found = rows().order_by("-id")[:51]
    with connection.cursor() as cursor:
        explain = "EXPLAIN QUERY PLAN"
        if connection.vendor == "postgresql":
            # The tables of a test are too small for an index. In the order of the list, the primary key would do too.
            cursor.execute("SET LOCAL enable_seqscan = off")
            found, explain = rows(), "EXPLAIN"
        sql, values = found.query.sql_with_params()
        cursor.execute(f"{explain} {sql}", values)
        plan = str(cursor.fetchall())
    assert index in plan
    assert "TEMP B-TREE" not in plan
