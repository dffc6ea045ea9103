"""The interest proofs of a statement: one for each of its plans that had money in the period."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from savings import ledger, money
from savings.ledger import Proof, ProofRow, RowKind
from savings.models import Account
from savings.statements import messages
from savings.statements.formats import InterestProof, ProofLine
from savings.statements.spans import Span
from savings.statements.subjects import Subject

_DAY = datetime.timedelta(days=1)
_NAMES = {
    RowKind.EARNED: "",
    RowKind.POSTED: messages.INTEREST_POSTED,
    RowKind.CORRECTED: messages.INTEREST_CHANGED,
    RowKind.FORFEITED: messages.INTEREST_FORFEITED,
    RowKind.BY_STAFF: messages.INTEREST_BY_STAFF,
}


def proofs_of(subject: Subject, span: Span) -> Iterator[InterestProof]:
    """Yield the proofs of the subject's plans for the days of the period. Five queries for each plan.

    One plan after the other, so that only one plan's days are in memory, and a posting meanwhile repeats one proof.
    """
    for account in subject.accounts:
        if account.kind == Account.Kind.PLAN and account.plan is not None:
            proof = ledger.interest_proof(account, since=span.since, until=span.until + _DAY)
            if proof.rows:
                lines = [_line(row) for row in proof.rows]
                yield InterestProof(account.plan.name, lines, _result(proof))


def _line(row: ProofRow) -> ProofLine:
    is_days, posting = row.kind == RowKind.EARNED, row.posting
    return ProofLine(
        what=_NAMES[row.kind],
        reference=row.reference,
        since=row.since,
        until=row.until - _DAY if is_days else row.until,
        days=row.days,
        balance_kobo=row.balance_kobo if is_days else None,
        rate=money.percent(row.rate_bps) if is_days else "",
        numerator=row.numerator,
        gross_kobo=posting.gross_kobo if posting else None,
        tax_kobo=posting.tax_kobo if posting else None,
        remainder=posting.remainder if posting else None,
    )


def _result(proof: Proof) -> str:
    sums = messages.proof_sums(
        earned=proof.earned,
        posted=proof.posted_kobo * money.INTEREST_DENOMINATOR,
        forfeited=proof.forfeited,
        by_staff=proof.by_staff,
        left=proof.remainder,
    )
    return f"{sums} {messages.PROOF_AGREES if proof.is_right else messages.proof_differs(proof.stored)}"
