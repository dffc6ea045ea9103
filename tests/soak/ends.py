"""The checks of a simulated year: the books, the provider's money, mails, leaderboards, auto-saves and interest."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db.models import Q, Sum
from django.utils import timezone

from savings import leaderboards, ledger, mails, payments
from savings.mails.sending import message_id
from savings.models import (
    Account,
    AutosaveRule,
    AutosaveRun,
    Circle,
    Entry,
    InterestPosting,
    JobRun,
    Membership,
    OutboxRow,
    Payment,
    Payout,
    Postponement,
    Refund,
    Transaction,
    WebhookEvent,
)
from tests.soak import interest, provider
from web.simulator import money

if TYPE_CHECKING:
    from tests.soak.world import World

__all__ = ["message_id", "settle", "wrong"]

Kind, Status = Transaction.Kind, Transaction.Status
_ROUNDS = 4


def settle(world: World) -> None:
    """Let everything that waits happen, without the waits after a failure. Call it while no fault happens."""
    world.house.fund()
    for _ in range(_ROUNDS):
        # Also those that the round before has sent.
        provider.end_transfers(world.faults, everything=True)
        now = timezone.now()
        Postponement.objects.update(retry_at=now)
        OutboxRow.objects.filter(due_at__gt=now).update(due_at=now)
        WebhookEvent.objects.filter(due_at__gt=now).update(due_at=now)
        Payment.objects.filter(next_poll_at__gt=now).update(next_poll_at=now)
        Refund.objects.filter(next_poll_at__gt=now).update(next_poll_at=now)
        Payout.objects.filter(next_try_at__gt=now).update(next_try_at=now)
        AutosaveRun.objects.filter(status="trying", next_try_at__gt=now).update(next_try_at=now)
        world.tick()
        world.staff.finish()
        world.jobs.run_all()
        world.move_to(now + datetime.timedelta(seconds=20))
    world.house.fund()


def wrong(world: World) -> Iterator[str]:
    """Yield what is wrong after `settle`; nothing if the year is right so far."""
    yield from (str(damage) for damage in ledger.run_checks())
    yield from world.errors
    yield from (
        f"called the provider in a transaction: {url}" for url in world.provider.calls_in_transactions
    )
    yield from _waiting()
    yield from _provider_money()
    yield from _coverage()
    yield from _tax()
    yield from _suspense()
    yield from _mails(world)
    yield from _boards()
    yield from _autosaves()
    yield from interest.wrong()


def _waiting() -> Iterator[str]:
    for task, row, reason in Postponement.objects.order_by("pk").values_list("task", "row_id", "reason"):
        yield f"{task} of row {row} is postponed: {reason}"
    for late in OutboxRow.objects.filter(Q(due_at__isnull=False) | Q(dead_at__isnull=False)).order_by("pk"):
        yield f"outbox row {late.pk} ({late.kind}) is not done after {late.tries} tries: {late.error}"
    for job, error in JobRun.objects.filter(failures__gt=0).order_by("job").values_list("job", "error"):
        yield f"the job {job} has failed: {error}"
    for event in WebhookEvent.objects.filter(due_at__isnull=False).order_by("pk"):
        yield f"event {event.pk} ({event.event} {event.reference}) is not processed: {event.error}"


def _provider_money() -> Iterator[str]:
    for line in payments.reconcile():
        if line.difference_kobo:
            yield f"{line.account} is {line.ours_kobo} and the provider's {line.figure} {line.theirs_kobo}"
    bank = ledger.house_account(Account.Kind.BANK, "customers")
    provider_kinds = [Account.Kind.CLEARING, Account.Kind.PROVIDER_BALANCE]
    others = Entry.objects.exclude(
        Q(debit_account__kind__in=provider_kinds) | Q(credit_account__kind__in=provider_kinds)
    )
    besides_kobo = _sum(others.filter(debit_account=bank)) - _sum(others.filter(credit_account=bank))
    ours_kobo = ledger.balance_kobo(bank) - besides_kobo
    if ours_kobo != money.balance(money.BANK):
        yield f"the bank account has {ours_kobo} of the provider, which paid {money.balance(money.BANK)}"


def _coverage() -> Iterator[str]:
    found = ledger.coverage(timezone.now())
    if not found.is_enough:
        yield f"owed {found.owed_kobo}, and held {found.held_kobo}"


def _tax() -> Iterator[str]:
    payable = ledger.house_account(Account.Kind.TAX_PAYABLE)
    entries = Entry.objects.all()
    withheld = _sum(entries.filter(credit_account=payable, transaction__kind=Kind.TAX_WITHHELD))
    remitted = _sum(entries.filter(debit_account=payable, transaction__kind=Kind.TREASURY))
    corrected = _sum(entries.filter(debit_account=payable, transaction__kind=Kind.INTEREST_CORRECTION))
    there = ledger.balance_kobo(payable)
    if there != withheld - remitted - corrected:
        yield f"tax payable is {there}: withheld {withheld}, remitted {remitted}, corrected {corrected}"
    posted = InterestPosting.objects.aggregate(kobo=Sum("tax_kobo", default=0))["kobo"]
    # Corrections by staff have a tax of their own.
    given = entries.filter(transaction__part_of__kind=Kind.INTEREST_CORRECTION)
    withheld -= _sum(given.filter(credit_account=payable))
    if posted != withheld:
        yield f"{withheld} of tax is withheld, and the postings say {posted}"


def _suspense() -> Iterator[str]:
    left = {one.pk: ledger.left_in_suspense(one.pk) for one in Transaction.objects.in_review()}
    explained = set(
        Payment.objects.filter(transaction__in=left)
        .exclude(review_reason="")
        .values_list("transaction", flat=True)
    )
    for pk, kobo in left.items():
        if kobo < 0 or pk not in explained:
            yield f"review {pk} has {kobo} in suspense without a reason"
    there = ledger.balance_kobo(ledger.house_account(Account.Kind.SUSPENSE))
    if there != sum(left.values()):
        yield f"suspense holds {there}, and the reviews {sum(left.values())}"


def _mails(world: World) -> Iterator[str]:
    rows = {message_id(row): row for row in OutboxRow.objects.filter(kind__in=mails.KINDS).order_by("pk")}
    for name, row in rows.items():
        sent, most = world.mails.sent[name], 1 + world.mails.may_be_twice[name]
        if not 1 <= sent <= most:
            yield f"mail {row.dedupe_key} was sent {sent} times, not once or up to {most}"
    yield from (f"a mail without a row was sent: {name}" for name in world.mails.sent if name not in rows)
    keys = {row.dedupe_key for row in rows.values()}
    yield from (f"the mail {key} is missing" for key in sorted(_due_mails() - keys))


def _due_mails() -> set[str]:
    """Return the keys of mails that have to exist, by what has happened."""
    receipts = Transaction.objects.filter(
        payment__isnull=False, user__wants_receipts=True, status__in=[Status.SUCCESS, Status.REVERSED]
    )
    keys = {f"top_up_received:{reference}" for reference in receipts.values_list("reference", flat=True)}
    announced = AutosaveRun.objects.filter(
        announced_at__isnull=False, rule__user__wants_autosave_notices=True
    )
    keys |= {f"autosave_tomorrow:{pk}" for pk in announced.values_list("pk", flat=True)}
    for member in Membership.objects.filter(circle__settled_at__isnull=False, left_at=None):
        keys.add(f"circle_ended:{member.pk}")
    return keys


def _boards() -> Iterator[str]:
    if drifted := leaderboards.reconcile_all():
        yield f"{drifted} members were wrong in the leaderboards"
    for circle in Circle.objects.order_by("pk"):
        leaderboards.rebuild_board(circle.pk)
        board = leaderboards.read_board(circle_id=circle.pk, length=200)
        members = list(Membership.objects.filter(circle=circle, left_at=None))
        on_board = [one for one in members if one.on_board and one.saved_kobo > 0]
        right = sorted(
            (1 + sum(other.saved_kobo > one.saved_kobo for other in on_board), one.pk, one.saved_kobo)
            for one in on_board
        )
        shown = sorted((line.rank, line.membership_id, line.saved_kobo) for line in board.lines)
        if shown != right or board.version < 0:
            yield f"the leaderboard of circle {circle.pk} is {shown} (version {board.version}), expected {right}"


def _autosaves() -> Iterator[str]:
    for run in AutosaveRun.objects.select_related("rule").order_by("pk"):
        yield from (f"auto-save {run.rule_id} of {run.due_on} {what}" for what in _wrong_run(run))
    today = timezone.localdate()
    for rule in AutosaveRule.objects.active().order_by("pk"):
        if rule.next_on is None and not rule.runs.open().exists():
            yield f"rule {rule.pk} is active without a next date"
        if rule.next_on is not None and rule.next_on <= today:
            yield f"rule {rule.pk} has its next date in the past: {rule.next_on}"


def _wrong_run(run: AutosaveRun) -> Iterator[str]:
    """Yield what is wrong with a date of a rule: it saves at most once, and what was announced."""
    tries = list(Transaction.objects.filter(autosave_run=run).order_by("pk"))
    arrived = [one for one in tries if one.status in {Status.SUCCESS, Status.REVERSED}]
    if len(arrived) > 1:
        yield f"saved {len(arrived)} times"
    if (run.status == AutosaveRun.Status.DONE) != bool(arrived):
        yield f"is {run.status}, with the transactions {[one.status for one in tries]}"
    if any(one.amount_kobo != run.amount_kobo for one in tries):
        yield f"was announced with {run.amount_kobo}"
    if run.is_open and run.due_on < timezone.localdate() - datetime.timedelta(days=4):
        yield f"is still {run.status}"


def _sum(entries: object) -> int:
    return int(entries.aggregate(kobo=Sum("amount_kobo", default=0))["kobo"])  # type: ignore[attr-defined]
