"""The actions that one member of staff asks for and another approves: what each changes, and on which facts.

Each action calls one service of the books. Its values are a dictionary of ids, amounts in kobo and choices, as JSON can
store them; the forms of the admin check them first, and the services check them again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from savings import mails
from savings.backoffice import action_rows as rows
from savings.backoffice import action_runs as runs
from savings.backoffice import products
from savings.backoffice.action_rows import Values
from savings.backoffice.action_runs import Asked
from savings.models import Transaction, User

Kind = Transaction.Kind


@dataclasses.dataclass(frozen=True)
class Action:
    """One action. `run` posts and returns the transaction; `subject` names what it changes."""

    name: str
    label: str
    # The permission of the person who asks.
    permission: str
    # The kind of transaction that its reference is for.
    kind: str
    run: Callable[[Asked], Transaction | None]
    subject: Callable[[Values], str]
    saver: Callable[[Values], User | None]
    # What must not change between the request and its approval.
    facts: Callable[[Values], Values]
    # Tells the saver by email, where `run` does not.
    tell: Callable[[Transaction, Values], object] | None = None
    # Asks the provider before the database transaction begins; `run` finds the answer in `Asked.prepared`.
    prepare: Callable[[Values], Any] | None = None


def _tell(what: str) -> Callable[[Transaction, Values], object]:
    return lambda movement, _: mails.money_moved_by_staff(what, movement)


def _tell_of_direction(what: str) -> Callable[[Transaction, Values], object]:
    def tell(movement: Transaction, values: Values) -> object:
        return mails.money_moved_by_staff(f"{what}_{'gives' if values['gives'] else 'takes'}", movement)

    return tell


_MONEY = "savings.ask_money"
_ALL = [
    Action(
        "release",
        "Release what arrived",
        _MONEY,
        Kind.STASH_DEPOSIT,
        runs.release,
        rows.of_payment,
        rows.payer,
        rows.payment_facts,
    ),
    Action(
        "allocate",
        "Allocate to another person",
        _MONEY,
        Kind.STASH_DEPOSIT,
        runs.allocate,
        rows.of_payment,
        rows.user_of,
        rows.payment_facts,
    ),
    Action(
        "send_back",
        "Send back to the payer",
        _MONEY,
        Kind.REFUND,
        runs.send_back,
        rows.of_payment,
        rows.payer,
        rows.payment_facts,
        _tell("refund"),
    ),
    Action(
        "refund",
        "Refund",
        _MONEY,
        Kind.REFUND,
        runs.refund,
        rows.of_payment,
        rows.payer,
        rows.payment_facts,
        _tell("refund"),
    ),
    Action(
        "reverse",
        "Reverse",
        _MONEY,
        Kind.REVERSAL,
        runs.reverse,
        rows.of_family,
        rows.payer,
        rows.movement_facts,
        _tell("reverse"),
    ),
    Action(
        "adjust",
        "Give or take back goodwill",
        _MONEY,
        Kind.ADJUSTMENT,
        runs.adjust,
        rows.of_goodwill,
        rows.user_of,
        rows.goodwill_facts,
        _tell_of_direction("adjust"),
    ),
    Action(
        "correct_interest",
        "Correct interest",
        _MONEY,
        Kind.INTEREST_CORRECTION,
        runs.correct_interest,
        rows.of_plan,
        rows.owner,
        rows.interest_facts,
        _tell_of_direction("correct_interest"),
    ),
    Action(
        "accept_dispute",
        "Accept the claim",
        _MONEY,
        Kind.CHARGEBACK,
        runs.accept_dispute,
        rows.of_dispute,
        rows.disputed_payer,
        rows.dispute_facts,
    ),
    Action(
        "book_outside_refund",
        "Book a refund made at the provider",
        _MONEY,
        Kind.REFUND,
        runs.book_outside_refund,
        rows.of_payment,
        rows.payer,
        rows.payment_facts,
        _tell("refund_made"),
        prepare=runs.find_outside_refund,
    ),
    Action(
        "repay_debt",
        "Pay a debt from the stash",
        _MONEY,
        Kind.REPAYMENT,
        runs.repay_debt,
        rows.of_debt,
        rows.user_of,
        rows.debt_facts,
        _tell("repay_debt"),
    ),
    Action(
        "write_off",
        "Write off a debt",
        _MONEY,
        Kind.WRITE_OFF,
        runs.write_off,
        rows.of_debt,
        rows.user_of,
        rows.debt_facts,
        _tell("write_off"),
    ),
    Action(
        "treasury",
        "Post for the house",
        "savings.ask_treasury",
        Kind.TREASURY,
        runs.treasury,
        rows.of_treasury,
        rows.nobody,
        rows.no_facts,
    ),
    Action(
        "product",
        "Change a product",
        "savings.ask_product",
        # Nothing is posted: only the request has the reference.
        Kind.ADJUSTMENT,
        runs.change_product,
        rows.of_product,
        rows.nobody,
        lambda values: products.change_facts(values.get("product")),
    ),
    Action(
        "erase",
        "Erase a person’s data",
        "savings.hand_over_data",
        # Nothing is posted: only the request has the reference.
        Kind.ADJUSTMENT,
        runs.erase,
        rows.of_erasure,
        rows.user_of,
        rows.erasure_facts,
    ),
]
ACTIONS: dict[str, Action] = {action.name: action for action in _ALL}
