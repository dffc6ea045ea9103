"""The lab: all ways give the same answer, and cost as much as the page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from savings import ledger, outbox, plans, references, tasks, tracing
from savings.models import Entry, OutboxRow, Transaction, User
from tests.factories import fill, make_plan, make_transaction, put_in
from web.lab import board_loading, mails, names, related_rows, table_loads
from web.lab.board_loading import LabBoard
from web.lab.measure import pretty, source
from web.operator_settings import Operator

pytestmark = pytest.mark.django_db

EXPERIMENTS = ["/lab/plan-names/", "/lab/lookup/", "/lab/leaderboard/", "/lab/mail/"]


@pytest.fixture
def history(saver: User) -> User:
    """Twelve transactions of two plans and two of the stash."""
    for name in ("Rent", "School"):
        fill(saver, 6, plan=make_plan(saver, name=name))
    fill(saver, 2)
    return saver


@pytest.mark.parametrize("contact", ["", "help@example.com"])
def test_both_ways_send_the_same_mail_to_the_person_alone(
    saver_client: Client, saver: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, contact: str
) -> None:
    settings.OPERATOR = Operator(contact=contact)
    monkeypatch.setattr(mails, "SMTP_SECONDS", 0.05)
    page = saver_client.post("/lab/mail/").content.decode()
    (row,) = OutboxRow.objects.all()
    outbox.deliver(row.pk, tasks.HANDLERS)
    inline, queued = mail.outbox
    assert inline.to == queued.to == [saver.email]
    assert (inline.subject, inline.body) == (queued.subject, queued.body)
    assert "Sent inline took" in page
    assert "Same result" in page


def test_a_trace_has_the_inline_mail_as_a_part_of_the_request(
    saver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Recorder(tracing.Follower):
        sent = 0

        @contextmanager
        def sending_mail(self) -> Iterator[None]:
            yield
            self.sent = len(mail.outbox)

    monkeypatch.setattr(tracing, "follower", recorder := Recorder())
    monkeypatch.setattr(mails, "SMTP_SECONDS", 0)
    mails.inline(saver)
    assert recorder.sent == 1


def test_mail_goes_out_only_when_asked_for(saver_client: Client) -> None:
    saver_client.get("/lab/mail/")
    assert not OutboxRow.objects.exists()
    assert mail.outbox == []


@pytest.mark.parametrize("path", EXPERIMENTS)
def test_an_experiment_works_with_htmx_and_without(saver_client: Client, history: User, path: str) -> None:
    board_loading.load(LabBoard(24))
    table_loads.make_copies(1_000)
    related_rows.load(25)
    ask = saver_client.post if path == "/lab/mail/" else saver_client.get
    page, part = ask(path).content.decode(), ask(path, headers={"HX-Request": "true"}).content.decode()
    for text in (page, part):
        assert "The cost of each way" in text
        assert "Same result" in text
    assert part.strip().startswith('<div class="stack" id="result">')
    assert f'hx-{"post" if path == "/lab/mail/" else "get"}="{path}"' in page


def test_no_experiment_moves_money(saver_client: Client, history: User) -> None:
    before = Entry.objects.count(), list(history.accounts.values_list("pk", "balance_kobo"))
    for path in EXPERIMENTS:
        saver_client.get(path)
        saver_client.post(path)
    assert before == (Entry.objects.count(), list(history.accounts.values_list("pk", "balance_kobo")))


def test_the_code_is_that_which_runs(saver_client: Client, history: User) -> None:
    where, code = source(names.naive)
    path, _, line = where.partition(":")
    assert path == "web/lab/names.py"
    lines = Path(path).read_text().splitlines()
    assert lines[int(line) - 1] == code.splitlines()[0] == "def naive(rows: int) -> Rows:"
    related_rows.load(25)
    assert where in saver_client.get("/lab/plan-names/").content.decode()


def test_long_sql_is_cut_where_nobody_reads() -> None:
    text = pretty(str(Transaction.objects.filter(plan=1).query))
    assert "…" in text
    assert "WHERE" in text
    assert len(pretty("SELECT 1 WHERE 'x' = '" + "y" * 5000 + "'")) < 1000


def test_the_menu_leads_to_the_lab_where_there_is_one(saver_client: Client, settings: Settings) -> None:
    settings.KEEPS_PAGES = False
    link = '<a href="/lab/">'
    assert link in saver_client.get("/stash/").content.decode()
    settings.HAS_LAB = False
    assert link not in saver_client.get("/stash/").content.decode()


def test_a_visitor_is_asked_to_sign_in(client: Client) -> None:
    for path in ["/lab/", *EXPERIMENTS, "/lab/naive/transactions/"]:
        assert client.get(path)["Location"] == f"/accounts/login/?next={path}"


def rows_of(page: str) -> dict[str, str]:
    """Return the reference and the amount of each row of a list of transactions."""
    rows = re.findall(r"<tr>\s*(<td>.*?)</tr>", page, re.DOTALL)
    return {
        re.findall('href="/transactions/([^/]+)/"', row)[0]: re.findall("[+−]? ?₦[^<]+", row)[-1]
        for row in rows
    }


@pytest.fixture
def everything(saver: User) -> User:
    """Two pages of transactions, of many kinds and statuses."""
    plan = make_plan(saver, holding_kobo=500_000_00, name="Rent")
    movement = put_in(saver, 7_00)
    ledger.reverse(movement, reference=references.new("reversal"))
    plans.move_from_plan(saver, plan, amount_kobo=50_00, reference=references.new("plan_to_stash"))
    for status in ("pending", "failed", "abandoned", "review"):
        make_transaction("top_up", 1_00, user=saver, plan=plan, status=status)
        make_transaction("stash_withdrawal", 1_00, user=saver, status=status)
    fill(saver, 20, plan=plan)
    return saver


def test_the_naive_page_shows_the_rows_of_the_real_one(saver_client: Client, everything: User) -> None:
    older = saver_client.get("/transactions/").context["page"].older
    for real, naive in (("", ""), (older, "?page=2"), ("?kind=reversal", "?kind=reversal")):
        shown = rows_of(saver_client.get(f"/transactions/{real}").text)
        assert shown
        assert rows_of(saver_client.get(f"{reverse('lab:naive_transactions')}{naive}").text) == shown


def test_the_naive_page_is_naive(
    saver_client: Client, everything: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    saver_client.get("/lab/naive/transactions/")
    shown = everything.transactions.order_by("-id")[:25]
    with_a_plan = sum(row.plan_id is not None for row in shown)
    checked = sum(row.status == "review" for row in shown)
    assert checked
    # The queries: the session's user, the plans of the filter, the count, the rows, those being checked; then per row.
    with django_assert_num_queries(5 + with_a_plan + checked):
        saver_client.get("/lab/naive/transactions/")
