"""The back office: what staff find, decide and prove. Cases, requests for a second person, notes and the audit log.

Money moves only by the services of the books, which `actions` names; this package decides who may ask for them, who
approves them, and what has to be stored about it.
"""

from savings.backoffice.actions import ACTIONS, Action, payment_of
from savings.backoffice.audit import Verb, record
from savings.backoffice.cases import (
    assign,
    can_be_solved_by_hand,
    name_of,
    open_from_outbox,
    open_question,
    refresh,
    solve,
    sync_cases,
    write_note,
)
from savings.backoffice.requests import (
    MAY_DECIDE,
    Preview,
    approve,
    ask,
    check_not_own,
    expire_requests,
    may_approve,
    preview,
    refuse,
    withdraw,
)

__all__ = [
    "ACTIONS",
    "MAY_DECIDE",
    "Action",
    "Preview",
    "Verb",
    "approve",
    "ask",
    "assign",
    "can_be_solved_by_hand",
    "check_not_own",
    "expire_requests",
    "may_approve",
    "name_of",
    "open_from_outbox",
    "open_question",
    "payment_of",
    "preview",
    "record",
    "refresh",
    "refuse",
    "solve",
    "sync_cases",
    "withdraw",
    "write_note",
]
