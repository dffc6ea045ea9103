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
from savings.backoffice.exports import (
    EXPORT_KIND,
    expire_exports,
    note_download,
    read_lists_with,
    request_export,
    write_export,
)
from savings.backoffice.products import (
    TERMS,
    apply_product_changes,
    change_alone,
    check_terms,
    check_valid_from,
    may_change_alone,
    terms_of,
    with_terms,
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
    "EXPORT_KIND",
    "MAY_DECIDE",
    "TERMS",
    "Action",
    "Preview",
    "Verb",
    "apply_product_changes",
    "approve",
    "ask",
    "assign",
    "can_be_solved_by_hand",
    "change_alone",
    "check_not_own",
    "check_terms",
    "check_valid_from",
    "expire_exports",
    "expire_requests",
    "may_approve",
    "may_change_alone",
    "name_of",
    "note_download",
    "open_from_outbox",
    "open_question",
    "payment_of",
    "preview",
    "read_lists_with",
    "record",
    "refresh",
    "refuse",
    "request_export",
    "solve",
    "sync_cases",
    "terms_of",
    "with_terms",
    "withdraw",
    "write_export",
    "write_note",
]
