"""Users, products, plans, circles and transactions for tests, created through the real services."""

from __future__ import annotations

import datetime
from itertools import count
from typing import Any, cast

from allauth.account.models import EmailAddress
from django.db.transaction import atomic
from django.utils import timezone

from savings import backoffice, circles, ledger, mails, plans, references
from savings.models import Account, Circle, Entry, Membership, OutboxRow, Plan, Product, Transaction, User
from savings.models.plans import EarlyExit

_numbers = count(1)

PASSWORD = "asusu-demo"


def make_user(email: str | None = None, **fields: Any) -> User:
    """Return a user with a confirmed email address and the password above."""
    number = next(_numbers)
    fields.setdefault("name", f"Saver {number}")
    user = User.objects.create_user(email or f"saver{number}@example.com", PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_welcome(**fields: Any) -> OutboxRow:
    """Return a mail that is waiting in the outbox: the welcome of a new user."""
    with atomic():
        row = mails.welcome(make_user(**fields))
    assert row is not None
    return row


def make_product(kind: str = Product.Kind.FLEXIBLE, *, rate_bps: int = 850, **fields: Any) -> Product:
    """Return a product of a kind, with one rate and the terms that such a product has in the demo."""
    usual: dict[Product.Kind, dict[str, Any]] = {
        Product.Kind.FLEXIBLE: {},
        Product.Kind.EMERGENCY: {"notice_hours": 24},
        Product.Kind.TARGET: {"early_exit": EarlyExit.PENALTY, "penalty_bps": 100},
        Product.Kind.LOCKED: {"early_exit": EarlyExit.BLOCKED},
    }
    terms = usual[Product.Kind(kind)]
    if kind in {Product.Kind.TARGET, Product.Kind.LOCKED}:
        terms |= {"min_term_days": 30, "max_term_days": 1095}
    named: dict[str, Any] = {"name": f"{Product.Kind(kind).label} {next(_numbers)}"}
    product = Product.objects.create(kind=kind, **named | {"description": "For tests"} | terms | fields)
    product.rates.create(from_days=0, rate_bps=rate_bps)
    return product


def change_product(product: Product, **terms: Any) -> None:
    """Change terms of a product today, on the word of two people of the staff."""
    present, rates = backoffice.terms_of(product)
    people = {"asked_by": make_user(is_staff=True), "approved_by": make_user(is_staff=True)}
    changed = present | terms
    backoffice.schedule_terms(
        product, changed, rates, valid_from=timezone.localdate(), reason="For tests", **people
    )


def make_plan(
    user: User | None = None,
    product: Product | None = None,
    *,
    holding_kobo: int = 0,
    days: int = 365,
    **fields: Any,
) -> Plan:
    """Return an open plan that holds `holding_kobo`, paid in by card."""
    user = user or make_user()
    product = product or make_product()
    if product.has_term:
        fields.setdefault("matures_on", timezone.localdate() + datetime.timedelta(days=days))
    if product.needs_target:
        fields.setdefault("target_kobo", 1_000_000_00)
    fields.setdefault("name", f"Plan {next(_numbers)}")
    fields.setdefault("reference", references.mint(references.PLAN_PREFIX))
    plan = plans.open_plan(user, product, **fields)
    if holding_kobo:
        pay_in(user, holding_kobo, plan=plan)
    return plan


def make_circle(**fields: Any) -> Circle:
    """Return a circle that runs for a year and has no members, not even its owner."""
    number = next(_numbers)
    today = timezone.localdate()
    usual: dict[str, Any] = {
        "slug": f"circle-{number}",
        "name": f"Circle {number}",
        "goal_kobo": 10_000_000_00,
        "starts_on": today,
        "ends_on": today + datetime.timedelta(days=365),
        "invite_code": f"code{number}",
    }
    made = {"product": fields.get("product") or make_product(), "owner": fields.get("owner") or make_user()}
    return Circle.objects.create(**usual | fields | made)


def make_member(
    circle: Circle, *, saved_kobo: int = 0, target_kobo: int | None = None, **fields: Any
) -> Membership:
    """Return a member with a plan in the circle that holds `saved_kobo`, paid in by card."""
    user = fields.pop("user", None) or make_user()
    plan = make_plan(user, circle.product, **({"target_kobo": target_kobo} if target_kobo else {}))
    fields.setdefault("nickname", f"Member {next(_numbers)}")
    member = Membership.objects.create(circle=circle, user=user, plan=plan, **fields)
    if saved_kobo:
        pay_in(user, saved_kobo, plan=plan)
        member.refresh_from_db()
    return member


def pay_in(user: User, amount_kobo: int, *, plan: Plan | None = None) -> Transaction:
    """Return a settled card payment of kobo into the user's stash or into a plan."""
    kind = Transaction.Kind.TOP_UP if plan else Transaction.Kind.STASH_DEPOSIT
    return settled(
        kind,
        amount_kobo,
        debit=ledger.house_account(Account.Kind.CLEARING, "paystack"),
        credit=plan.account if plan else ledger.stash_account(user),
        user=user,
        plan=plan,
    )


def put_in(user: User, amount_kobo: int, *, plan: Plan | None = None) -> Transaction:
    """Return kobo that the house gave into the user's stash or a plan: they can be reversed, unlike a card payment."""
    return ledger.adjust(
        user,
        plan=plan,
        amount_kobo=amount_kobo,
        gives=True,
        reference=references.new(Transaction.Kind.ADJUSTMENT),
        asked_by=make_user(is_staff=True),
        approved_by=make_user(is_staff=True),
        reason="A gift",
    )


def reverse_as_before(payment: Transaction) -> None:
    """Reverse a card payment into the stash, as earlier releases did."""
    user = cast("User", payment.user)
    reversal, _ = ledger.open_transaction(
        reference=references.new(Transaction.Kind.REVERSAL),
        kind=Transaction.Kind.REVERSAL,
        user=user,
        amount_kobo=payment.amount_kobo,
        reverses=payment,
    )
    Transaction.objects.filter(pk=payment.pk).update(status=Transaction.Status.REVERSED)
    clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
    ledger.settle(reversal, debit=ledger.stash_account(user), credit=clearing)


def fund_balance(amount_kobo: int) -> Account:
    """Return the provider balance with at least some kobo in it, which the owner pays in."""
    balance = ledger.house_account(Account.Kind.PROVIDER_BALANCE, "paystack")
    missing_kobo = amount_kobo - ledger.balance_kobo(balance)
    purposes = (ledger.Purpose.CAPITAL_IN, ledger.Purpose.BALANCE_TOP_UP)
    for purpose in purposes if missing_kobo > 0 else ():
        ledger.post_treasury(
            purpose,
            amount_kobo=missing_kobo,
            reference=references.new(Transaction.Kind.TREASURY),
            asked_by=make_user(is_staff=True),
            approved_by=make_user(is_staff=True),
            reason="For withdrawals",
        )
    return balance


def start_circle(
    owner: User | None = None, product: Product | None = None, *, days: int = 90, **fields: Any
) -> Circle:
    """Return a circle by invitation. Its owner is a member and has saved nothing."""
    number = next(_numbers)
    values: dict[str, Any] = {"name": f"Circle {number}", "goal_kobo": 1_000_000_00, "nickname": "Owner"}
    return circles.start_circle(
        owner or make_user(),
        product or make_product(),
        reference=references.mint(references.CIRCLE_PREFIX),
        ends_on=timezone.localdate() + datetime.timedelta(days=days),
        **values | fields,
    ).circle


def join_circle(
    circle: Circle,
    user: User | None = None,
    *,
    saved_kobo: int = 0,
    shown: dict[str, bool] | None = None,
    **fields: Any,
) -> Membership:
    """Return a new member of the circle who has paid in `saved_kobo`; `shown` has their appearance settings."""
    user = user or make_user()
    values: dict[str, Any] = {"nickname": f"Member {next(_numbers)}", "code": circle.invite_code}
    membership = circles.join(
        user, circle, reference=references.mint(references.CIRCLE_PREFIX), **values | fields
    )
    if saved_kobo:
        pay_in(user, saved_kobo, plan=membership.plan)
    if shown:
        choices = {"hides_amount": False, "on_board": True} | shown
        circles.change_appearance(membership, nickname=membership.nickname, **choices)
    membership.refresh_from_db()
    return membership


def fill(user: User, rows: int, *, plan: Plan | None = None) -> None:
    """Insert a number of card payments of one naira each with their entries and balances, in two statements."""
    account = Account.objects.get(plan=plan) if plan else ledger.stash_account(user)
    clearing = ledger.house_account(Account.Kind.CLEARING, "paystack")
    kind = Transaction.Kind.TOP_UP if plan else Transaction.Kind.STASH_DEPOSIT
    now, balance_kobo = timezone.now(), account.balance_kobo or 0
    transactions = Transaction.objects.bulk_create(
        Transaction(
            reference=references.new(kind),
            kind=kind,
            status=Transaction.Status.SUCCESS,
            amount_kobo=100,
            user=user,
            plan=plan,
            created_on=now,
            settled_on=now,
        )
        for _ in range(rows)
    )
    Entry.objects.bulk_create(
        Entry(
            transaction=transaction,
            code=Entry.Code.PRIMARY,
            debit_account=clearing,
            credit_account=account,
            amount_kobo=100,
            credit_balance_kobo=balance_kobo + 100 * number,
            posted_at=now,
        )
        for number, transaction in enumerate(transactions, 1)
    )
    Account.objects.filter(pk=account.pk).update(balance_kobo=balance_kobo + 100 * rows)
    User.objects.touch(user.pk)


def make_transaction(
    kind: str, amount_kobo: int, *, user: User | None, plan: Plan | None = None, status: str = "pending"
) -> Transaction:
    """Return an opened transaction in a status in which no money has moved."""
    transaction, _ = ledger.open_transaction(
        reference=references.new(kind), kind=kind, user=user, plan=plan, amount_kobo=amount_kobo
    )
    if status != Transaction.Status.PENDING:
        ledger.change_status(transaction, status, only_from=[Transaction.Status.PENDING])
    return transaction


def settled(
    kind: str,
    amount_kobo: int,
    *,
    debit: Account,
    credit: Account,
    user: User | None,
    plan: Plan | None = None,
) -> Transaction:
    """Return a successful transaction from the debit to the credit account."""
    transaction = make_transaction(kind, amount_kobo, user=user, plan=plan)
    ledger.settle(transaction, debit=debit, credit=credit)
    return transaction
