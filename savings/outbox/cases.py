"""Has the worker open a case for staff, after something that ended in a way that a person has to look at."""

from __future__ import annotations

from savings.outbox.rows import add

CASE_OPENING = "case_opening"


def open_case(kind: str, row_id: int) -> None:
    """Write a row that has the worker open a case about a refund or payout that failed, once.

    For the packages below `backoffice`. Call it in the transaction of the cause. What waits for a decision as long as
    it is in a certain state, such as a payment in review, needs no call: `backoffice.sync_cases` finds it.
    """
    add(CASE_OPENING, dedupe_key=f"{CASE_OPENING}:{kind}:{row_id}", payload={"kind": kind, "row": row_id})
