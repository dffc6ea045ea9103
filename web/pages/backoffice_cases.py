"""What the page of a case shows: whose money it is about and how much, and everything that belongs to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format

from savings import backoffice, ledger, mails, money
from savings.backoffice import NamedLine, Offer
from savings.models import (
    Account,
    Case,
    Entry,
    ManualPosting,
    OutboxRow,
    Payment,
    Payout,
    Settlement,
    StaffNote,
    StaffRequest,
    Transaction,
    User,
)
from web import date_formats
from web.messages import backoffice_cases as messages
from web.messages import lists
from web.pages.backoffice_links import link_to, link_to_action, link_to_saver

Kind = Case.Kind
# The most rows of each list; the whole lists are in the admin.
_MOST = 50
_MOST_MAILS = 10
_NEWEST = 10
# The sums that stand at the head of the page.
_SUMS = ("Claimed", "Goes back", "Amount", "Asked for", "Arrived", "In suspense")

# Each of these rights allows something on the page of a case.
_ACTING = ("savings.work_case", "savings.ask_money", "savings.change_payout", "savings.change_payment")


class Fact(NamedTuple):
    """One line about a case. The URL is empty where there is no page or the reader may not see it."""

    label: str
    text: str
    url: str = ""


class Step(NamedTuple):
    """An action as a button, or the reason why it is not possible."""

    label: str
    url: str
    why_not: str
    # Whether the page behind it asks for something first. Other buttons send their form at once.
    is_link: bool = False


@dataclasses.dataclass(frozen=True)
class CasePage:
    """Everything on the page of a case. Lists that the reader may not see are empty."""

    case: Case
    saver_url: str
    sums: list[Fact]
    facts: list[Fact]
    steps: list[Step]
    payout_steps: list[Step]
    # The page with the evidence about the dispute, where it may be contested too.
    evidence_url: str
    requests: list[StaffRequest]
    entries: list[tuple[Entry, NamedLine]]
    # Each with its subject, or with the name of its kind while it is not rendered.
    mails: list[tuple[OutboxRow, str]]
    notes: list[StaffNote]
    asks_provider: bool
    # Why there is nothing to do, empty if the case does not say.
    nothing_left: str
    is_solved_by_hand: bool
    # The reader's role allows none of what can be done with cases.
    only_reads: bool

    @property
    def has_actions(self) -> bool:
        """Whether the page says what can be done: not to those who only read, nor once the case is solved."""
        return not self.only_reads and (self.case.is_open or bool(self.payout_steps))

    @property
    def only_asks(self) -> bool:
        """Whether asking the provider is the only action that is possible, and so stands before the others."""
        return all(step.why_not for step in (*self.steps, *self.payout_steps))

    @property
    def why_none(self) -> str:
        """The actions and the reason that they share, if none of several is possible and the reason is the same."""
        steps = [*self.steps, *self.payout_steps]
        reasons = {step.why_not for step in steps}
        if len(steps) < 2 or len(reasons) > 1 or "" in reasons:
            return ""
        return messages.none_possible([step.label for step in steps], reasons.pop())


def find_case(case_id: int) -> QuerySet[Case]:
    """Return the case with that id, with the rows that its page shows."""
    related = (
        "saver",
        "assignee",
        "solved_by",
        "payment__transaction__user",
        "payment__transaction__plan",
        "payment__meant_for",
        "event",
        "dispute",
        "refund__transaction",
        "payout__transaction",
        "payout__recipient",
        "payout__user",
    )
    return Case.objects.select_related(*related).defer("event__body").filter(pk=case_id)


def case_page(case: Case, by: User) -> CasePage:
    """Return what the page of a case shows to a member of staff."""
    family = _family_ids(case)
    facts = list(_facts(case, by))
    return CasePage(
        case=case,
        saver_url=link_to_saver(case.saver, by),
        sums=[fact for fact in facts if fact.label in _SUMS],
        facts=[fact for fact in facts if fact.label not in _SUMS],
        # What is possible stands first.
        steps=sorted(
            (_step(offer, case) for offer in backoffice.offers_for_case(case, by)),
            key=lambda step: bool(step.why_not),
        ),
        payout_steps=_payout_steps(case.payout, by) if case.payout else [],
        evidence_url=_evidence_url(case, by),
        requests=_requests(case) if by.has_perm("savings.view_staffrequest") else [],
        entries=entries_of(family) if by.has_perm("savings.view_entry") else [],
        mails=_mails(case, family) if by.has_perm("savings.view_outboxrow") else [],
        notes=_notes(case) if by.has_perm("savings.view_staffnote") else [],
        nothing_left=messages.PAYOUT_IS_DECIDED if case.payout and not case.payout.is_in_flight else "",
        asks_provider=case.is_open and backoffice.can_ask_provider(case),
        is_solved_by_hand=case.is_open and backoffice.can_be_solved_by_hand(case),
        only_reads=not any(by.has_perm(permission) for permission in _ACTING),
    )


def _facts(case: Case, by: User) -> Iterator[Fact]:
    """Return the lines about the payment, dispute, refund, withdrawal or event of a case."""
    if case.dispute is not None:
        dispute = case.dispute
        yield Fact("Dispute", str(dispute.provider_id), link_to(dispute, by))
        yield Fact("Claimed", money.naira(dispute.amount_kobo))
        yield Fact("The provider says", lists.said(dispute.status) or "Nothing yet")
        if dispute.answer:
            yield Fact("We answered", dispute.get_answer_display())
        if dispute.answer_error:
            yield Fact("The provider refused our answer", dispute.answer_error)
    if case.refund is not None:
        refund = case.refund
        yield Fact("Refund", refund.transaction.reference, link_to(refund, by))
        yield Fact("Goes back", money.naira(refund.transaction.amount_kobo))
        yield Fact("The provider says", lists.said(refund.provider_status) or "Nothing yet")
    if case.payout is not None:
        yield from _payout_facts(case.payout, by)
    if case.event is not None:
        said = f"{lists.event(case.event.event)} {case.event.reference}".strip()
        yield Fact("Event", said, link_to(case.event, by))
        yield Fact("Received", date_formats.moment(case.event.received_at))
    if case.payment is not None:
        yield from _payment_facts(case, by)


def _payment_facts(case: Case, by: User) -> Iterator[Fact]:
    payment = case.payment
    assert payment is not None  # noqa: S101 - tells the type checker what the caller has checked
    movement = payment.transaction
    yield Fact("Payment", movement.reference, link_to(payment, by))
    yield Fact(
        "Its transaction",
        f"{movement.get_kind_display()}: {movement.get_status_display()}",
        link_to(movement, by),
    )
    yield Fact("Asked for", money.naira(movement.amount_kobo))
    yield Fact("Arrived", money.naira(payment.paid_kobo) if payment.paid_kobo is not None else "Nothing yet")
    if movement.status == Transaction.Status.REVIEW:
        yield Fact("In suspense", money.naira(ledger.left_in_suspense(movement.pk)))
    if movement.plan is not None:
        yield Fact("Plan", movement.plan.name, link_to(movement.plan, by))
    if payment.meant_for is not None:
        yield Fact("Meant for", payment.meant_for.name, link_to(payment.meant_for, by))
    if payment.card or payment.channel:
        yield Fact("Paid with", payment.card or payment.channel)
    if payment.provider_message:
        yield Fact("The provider’s message", payment.provider_message)


def arrived(movement: Transaction) -> Iterator[Fact]:
    """Return how much of a transaction that is or was checked arrived: its amount is what was asked for."""
    if movement.status not in {Transaction.Status.REVIEW, Transaction.Status.CLOSED}:
        return
    payment = Payment.objects.filter(transaction=movement).only("paid_kobo").first()
    if payment is not None and payment.paid_kobo is not None:
        yield Fact("Arrived", money.naira(payment.paid_kobo))


def booked_by(movement: Transaction, by: User) -> Iterator[Fact]:
    """Return the settlement or the posting by hand that moved the house's money, and the month of a remittance."""
    if movement.kind != Transaction.Kind.TREASURY:
        return
    settlement = Settlement.objects.filter(transaction=movement).first()
    if settlement is not None:
        yield Fact("Settlement", str(settlement.provider_id), link_to(settlement, by))
    posting = ManualPosting.objects.filter(transaction=movement).first()
    if posting is not None:
        yield Fact("Posted by hand", posting.reason, link_to(posting, by))
        if posting.period_on is not None:
            yield Fact("For", date_format(posting.period_on, "F Y"))


def _payout_facts(payout: Payout, by: User) -> Iterator[Fact]:
    yield Fact("Withdrawal", payout.transaction.reference, link_to(payout, by))
    yield Fact("Amount", money.naira(payout.transaction.amount_kobo))
    yield Fact("The withdrawal", payout.get_state_display())
    yield Fact("To", f"{payout.recipient}, {payout.recipient.account_name}", link_to(payout.recipient, by))
    if payout.provider_message:
        yield Fact("The provider’s message", payout.provider_message)


def _step(offer: Offer, case: Case) -> Step:
    return Step(offer.label, link_to_action(offer, case), offer.why_not)


def payout_facts(payout: Payout, by: User) -> Iterator[Fact]:
    """Return what helps to decide about a withdrawal: its total, what the saver has beside it, and its case."""
    yield Fact("With fees", money.naira(payout.total_kobo))
    if by.has_perm("savings.see_saver"):
        yield Fact("Left in the stash", money.naira(ledger.balance_kobo(ledger.stash_account(payout.user))))
    if by.has_perm("savings.view_case"):
        case = Case.objects.filter(payout=payout).order_by("-pk").first()
        if case is not None:
            yield Fact("Case", f"Case {case.pk}", reverse("admin:case", args=[case.pk]))


def _payout_steps(payout: Payout, by: User) -> list[Step]:
    if not payout.is_in_flight:
        return []
    why_not = why_payout_cannot_be_approved(payout, by)
    refusing = why_not if payout.state == Payout.State.APPROVAL or not payout.can_be_cancelled else ""
    return [
        Step("Approve", reverse("admin:payout_approve", args=[payout.pk]), why_not),
        Step("Refuse…", reverse("admin:savings_payout_refuse", args=[payout.pk]), refusing, is_link=True),
    ]


def _evidence_url(case: Case, by: User) -> str:
    if case.dispute is None or not by.has_perm("savings.see_saver"):
        return ""
    return f"{reverse('admin:evidence', args=[case.dispute.pk])}?case={case.pk}"


def why_payout_cannot_be_approved(payout: Payout, by: User) -> str:
    """Return why a member of staff cannot approve a withdrawal, empty if they can."""
    if not by.has_perm("savings.change_payout"):
        return messages.ANOTHER_DECIDES_PAYOUT
    if payout.user_id == by.pk:
        return messages.OWN_PAYOUT
    return "" if payout.state == Payout.State.APPROVAL else messages.NOT_WAITING_PAYOUT


def _family_ids(case: Case) -> list[int]:
    """Return the transactions of a case: of its payment with its parts and refunds, or of its withdrawal."""
    row = case.payment or case.payout
    if row is None:
        return []
    first = row.transaction.part_of_id or row.transaction_id
    parts = list(Transaction.objects.filter(part_of=first).values_list("pk", flat=True)[:_MOST])
    # One query after the other: each has an index, and joined by OR they have none.
    back = Transaction.objects.filter(refunds__in=[first, *parts]).values_list("pk", flat=True)[:_MOST]
    reversals = Transaction.objects.filter(reverses__in=[first, *parts]).values_list("pk", flat=True)[:_MOST]
    return [first, *parts, *back, *reversals]


def entries_of(family: list[int]) -> list[tuple[Entry, NamedLine]]:
    """Return the entries of transactions, each with its accounts as people call them."""
    rows = Entry.objects.filter(transaction__in=family)
    return _named(
        list(rows.select_related("transaction", "debit_account", "credit_account").order_by("id")[:_MOST])
    )


def newest_entries_of(account: Account) -> list[tuple[Entry, NamedLine]]:
    """Return the last ten entries of an account, the newest first. Each side has an index of its own."""
    newest: set[int] = set()
    for side in ("debit_account", "credit_account"):
        rows = Entry.objects.filter(**{side: account}).order_by("-id")
        newest |= set(rows.values_list("pk", flat=True)[:_NEWEST])
    rows = Entry.objects.filter(pk__in=newest).order_by("-id")
    found = list(rows.select_related("transaction", "debit_account", "credit_account")[:_NEWEST])
    for entry in found:
        is_debit = entry.debit_account_id == account.pk
        is_more = is_debit == account.is_debit_normal
        after_kobo = entry.debit_balance_kobo if is_debit else entry.credit_balance_kobo
        # Read by the template: what the entry did to this account, and what the account held then.
        entry.signed = money.signed(entry.amount_kobo if is_more else -entry.amount_kobo)  # type: ignore[attr-defined]
        entry.after_kobo = after_kobo  # type: ignore[attr-defined]
    return _named(found)


def entry_in_words(entry: Entry) -> NamedLine:
    """Return an entry with its accounts as people call them."""
    return _named([entry])[0][1]


def _named(entries: list[Entry]) -> list[tuple[Entry, NamedLine]]:
    lines = [backoffice.line_of(entry) for entry in entries]
    return list(zip(entries, backoffice.AccountNames(lines).read(lines), strict=True))


def _mails(case: Case, family: list[int]) -> list[tuple[OutboxRow, str]]:
    rows = OutboxRow.objects.filter(kind__in=mails.KINDS).defer("text", "html", "payload")
    if family:
        rows = rows.filter(transaction__in=family)
    elif case.saver is not None:
        rows = rows.filter(user=case.saver)
        if case.solved_at is not None:
            # The others have nothing to do with it.
            rows = rows.filter(created_at__range=(case.opened_at, case.solved_at))
    else:
        return []
    return [(row, row.subject or mails.KINDS[row.kind][0]) for row in rows.order_by("-id")[:_MOST_MAILS]]


def _notes(case: Case) -> list[StaffNote]:
    return list(case.notes.select_related("author").order_by("-id")[:_MOST])


def _requests(case: Case) -> list[StaffRequest]:
    rows: Any = case.requests.select_related("asked_by", "decided_by").order_by("-id")
    return list(rows[:_MOST])
