"""The page of the ledger's health: the results of both kinds of proofs, progress, and what is stuck."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from savings import backoffice, ledger, outbox
from savings.models import Account, AuditRow, JobRun, LedgerProof, OutboxRow
from savings.tasks import HANDLERS
from tests.factories import make_plan, make_transaction, make_user
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in

pytestmark = pytest.mark.django_db

HEALTH, PROVE = "admin:health", "admin:prove"


@pytest.fixture
def staff() -> Client:
    return sign_in(make_staff("Finance"))


def page(client: Client) -> Any:
    response = client.get(reverse(HEALTH))
    assert response.status_code == 200
    return response


def work() -> None:
    """Do what the worker would."""
    for row in OutboxRow.objects.filter(kind=backoffice.PROOF_KIND, due_at__isnull=False):
        outbox.deliver(row.pk, HANDLERS)


def damage() -> None:
    Account.objects.filter(pk=make_plan(holding_kobo=500).account.pk).update(balance_kobo=600)


def test_each_check_is_listed_and_never_ran(staff: Client) -> None:
    text = page(staff).text
    assert text.count("Never ran") == len(ledger.CHECKS) + 3
    assert f"<p>None of the {len(backoffice.check_names())} checks has run yet.</p>" in text
    assert "The stored balance of a customer&#x27;s account is the sum of its entries" in text


def test_the_button_proves_the_books_in_the_background(staff: Client) -> None:
    assert staff.post(reverse(PROVE)).status_code == 302
    running = page(staff)
    assert f"0 of {len(backoffice.check_names())} checks are done" in running.text
    assert running["Refresh"] == "3"
    work()
    done = page(staff)
    assert "Refresh" not in done
    assert "The books were right" in done.text
    assert "Never ran" not in done.text
    proof = LedgerProof.objects.get()
    assert proof.is_right
    assert [result["check"] for result in proof.results] == backoffice.check_names()
    assert AuditRow.objects.get(verb="proved").subject == f"proof:{proof.pk}"


def test_cached_pages_are_compared_with_fresh_ones(
    staff: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fixture that compares each cached page would find the damage first.
    monkeypatch.undo()
    saver = make_user()
    plan = make_plan(saver, name="Rent", holding_kobo=500)
    client.force_login(saver)
    UserSession.objects.create(user=saver, ip="127.0.0.1", session_key="s" * 32)
    client.get(reverse("plans:index"))
    staff.post(reverse(PROVE))
    work()
    assert LedgerProof.objects.get().is_right
    # A change behind the back of the version.
    type(plan).objects.filter(pk=plan.pk).update(name="Changed")
    staff.post(reverse(PROVE))
    work()
    proof = LedgerProof.objects.latest("pk")
    assert f"/plans/ of saver {saver.pk} is cached, and differs from a fresh page" in page(staff).text
    assert not proof.is_right


def test_a_second_press_begins_no_second_proof(staff: Client) -> None:
    staff.post(reverse(PROVE))
    staff.post(reverse(PROVE))
    assert LedgerProof.objects.count() == 1
    work()
    staff.post(reverse(PROVE))
    assert LedgerProof.objects.count() == 2


def test_a_proof_that_the_worker_gave_up_does_not_block_the_next(staff: Client) -> None:
    staff.post(reverse(PROVE))
    LedgerProof.objects.update(began_at=timezone.now() - datetime.timedelta(hours=1))
    OutboxRow.objects.update(dead_at=timezone.now(), due_at=None)
    staff.post(reverse(PROVE))
    first, second = LedgerProof.objects.order_by("pk")
    assert first.error == "The worker gave up before the last check."
    assert not first.is_right
    assert second.ended_at is None


def test_damage_is_shown_with_its_rows(staff: Client) -> None:
    damage()
    staff.post(reverse(PROVE))
    work()
    text = page(staff).text
    assert "Wrong" in text
    assert "expected 500" in text
    assert not LedgerProof.objects.get().is_right


def test_the_command_line_stores_its_result_too(staff: Client) -> None:
    call_command("check_ledger")
    text = page(staff).text
    assert "manage.py check_ledger" in text
    assert "The books were right" in text
    damage()
    with pytest.raises(CommandError, match="The books are wrong"):
        call_command("check_ledger")
    assert "wrong" in page(staff).text


def test_each_check_has_its_newest_result(staff: Client) -> None:
    call_command("check_ledger")
    staff.post(reverse(PROVE))
    LedgerProof.objects.filter(command=LedgerProof.PAGE).update(
        results=[
            {"check": "balances", "at": timezone.now().isoformat(), "seconds": "1.0", "wrong": ["account 7"]}
        ]
    )
    checks = {check.name: check for check in page(staff).context["health"].checks}
    assert checks["balances"].wrong == ["account 7"]
    assert checks["balances"].proof.command == "Ledger health"
    assert checks["totals"].proof.command == "manage.py check_ledger"


def test_an_error_is_stored_and_the_proof_is_tried_again(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff.post(reverse(PROVE))

    def broken(**_: Any) -> Any:
        yield "guards", []
        raise RuntimeError("the database is away")

    monkeypatch.setattr(ledger, "run_each_check", broken)
    work()
    assert "the database is away" in page(staff).text
    monkeypatch.undo()
    OutboxRow.objects.filter(kind=backoffice.PROOF_KIND).update(due_at=timezone.now())
    work()
    assert LedgerProof.objects.get().is_right


def test_late_failed_and_new_jobs_and_the_leaderboards(staff: Client) -> None:
    now = timezone.now()
    JobRun.objects.create(job="sweep_outbox", started_at=now - datetime.timedelta(days=2), ended_at=now)
    JobRun.objects.create(job="poll_payments", started_at=now, failed_at=now, error="ValueError: no")
    JobRun.objects.create(job="reconcile_boards", started_at=now, ended_at=now, rows_done=3)
    text = page(staff).text
    assert "Late: Sweep outbox." in text
    assert text.count("Sweep outbox") == 1
    assert "1 job is late." in text
    assert "Poll payments failed" in text
    assert "ValueError: no" in text
    assert "Not run yet:" in text
    assert "3 members had a wrong amount" in text


def test_what_is_stuck_has_its_age(staff: Client) -> None:
    movement = make_transaction("stash_deposit", 500, user=make_user())
    type(movement).objects.update(created_on=timezone.now() - datetime.timedelta(days=2))
    OutboxRow.objects.create(kind="welcome", dedupe_key="w", dead_at=timezone.now(), due_at=None)
    stuck = {line["label"]: line for line in page(staff).context["stuck"]}
    assert stuck["Payments on their way"]["count"] == 1
    assert stuck["Payments on their way"]["age"] == "2\xa0days"
    assert stuck["Mails and other work given up"]["count"] == 1
    assert stuck["Withdrawals on their way"]["count"] == 0


def test_support_is_refused() -> None:
    client = sign_in(make_staff("Support"))
    assert client.get(reverse(HEALTH)).status_code == 403
    assert client.post(reverse(PROVE)).status_code == 403
    assert not LedgerProof.objects.exists()


def test_proving_needs_a_post(staff: Client) -> None:
    assert staff.get(reverse(PROVE)).status_code == 405
    assert staff.post(reverse(HEALTH)).status_code == 405


@pytest.mark.usefixtures("without_redis")
def test_it_works_without_redis(staff: Client) -> None:
    page(staff)


def test_it_costs_the_same_with_one_row_and_with_many(staff: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(staff)
        return len(queries)

    call_command("check_ledger")
    cost()
    few = cost()
    for number in range(30):
        LedgerProof.objects.create(command="manage.py check_ledger", ended_at=timezone.now())
        OutboxRow.objects.create(kind="welcome", dedupe_key=f"{number}", dead_at=timezone.now(), due_at=None)
    assert cost() == few <= 15
