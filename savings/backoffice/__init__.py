"""The back office: what staff find, decide and prove. Cases, requests for a second person, notes and the audit log.

Money moves only by the services of the books, which `actions` names; this package decides who may ask for them, who
approves them, and what has to be stored about it.
"""

from savings.backoffice.account_names import AccountNames, Change, NamedLine, line_of
from savings.backoffice.action_rows import left_to_refund_kobo, payment_of
from savings.backoffice.actions import ACTIONS, Action
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
from savings.backoffice.checks import check_not_own
from savings.backoffice.closing import Obstacle, close_account, closing_checks, obstacles
from savings.backoffice.disputes import contest_dispute, see_evidence
from savings.backoffice.erasure import check_can_erase
from savings.backoffice.erasure_work import (
    ERASE_FILES,
    ERASE_RECIPIENT,
    erase_files,
    erase_recipient,
    erasure_report,
)
from savings.backoffice.exports import (
    EXPORT_KIND,
    expire_exports,
    note_download,
    read_lists_with,
    request_export,
    write_export,
)
from savings.backoffice.figures import RATE_DAYS, Figures, Waiting, figures
from savings.backoffice.health import CheckResult, Health, Stuck, health
from savings.backoffice.money_days import count_money_days
from savings.backoffice.monitoring import Monitored, monitored
from savings.backoffice.offers import (
    Offer,
    offers_for_case,
    offers_for_plan,
    offers_for_saver,
    offers_for_transaction,
)
from savings.backoffice.payouts import approve_payout, refuse_payout
from savings.backoffice.people import (
    end_sessions,
    freeze,
    remove_second_step,
    resend_confirmation,
    undo_email_change,
    undoable_changes,
    unfreeze,
    waiting_proposals,
)
from savings.backoffice.person_exports import (
    PERSON_EXPORT,
    PERSON_LISTED,
    ask_for_export,
    exports_of,
    take_file,
    write_person_export,
)
from savings.backoffice.previews import MAY_DECIDE, Preview, preview, staff_with
from savings.backoffice.products import (
    TERMS,
    apply_product_changes,
    change_alone,
    check_terms,
    check_valid_from,
    may_change_alone,
    schedule_terms,
    terms_of,
    with_terms,
)
from savings.backoffice.proofs import (
    PROOF_KIND,
    Tally,
    add_check,
    ask_for_proof,
    begin_proof,
    check_names,
    prove,
    prove_from_outbox,
)
from savings.backoffice.provider import (
    ask_about_payment,
    ask_about_payout,
    ask_provider,
    can_ask_provider,
)
from savings.backoffice.recovery import recover_lost
from savings.backoffice.repeats import (
    appoint_owner,
    make_statement_again,
    record_rebuild,
    resend_mail,
    retry_mail,
)
from savings.backoffice.requests import (
    PreviewChanged,
    approve,
    ask,
    expire_requests,
    may_approve,
    refuse,
    withdraw,
)
from savings.backoffice.savers import MOST_ROWS, SaverSheet, saver_sheet, write_saver_note
from savings.backoffice.searching import MOST_HITS, Hit, search

__all__ = [
    "ACTIONS",
    "ERASE_FILES",
    "ERASE_RECIPIENT",
    "EXPORT_KIND",
    "MAY_DECIDE",
    "MOST_HITS",
    "MOST_ROWS",
    "PERSON_EXPORT",
    "PERSON_LISTED",
    "PROOF_KIND",
    "RATE_DAYS",
    "TERMS",
    "AccountNames",
    "Action",
    "Change",
    "CheckResult",
    "Figures",
    "Health",
    "Hit",
    "Monitored",
    "NamedLine",
    "Obstacle",
    "Offer",
    "Preview",
    "PreviewChanged",
    "SaverSheet",
    "Stuck",
    "Tally",
    "Verb",
    "Waiting",
    "add_check",
    "apply_product_changes",
    "appoint_owner",
    "approve",
    "approve_payout",
    "ask",
    "ask_about_payment",
    "ask_about_payout",
    "ask_for_export",
    "ask_for_proof",
    "ask_provider",
    "assign",
    "begin_proof",
    "can_ask_provider",
    "can_be_solved_by_hand",
    "change_alone",
    "check_can_erase",
    "check_names",
    "check_not_own",
    "check_terms",
    "check_valid_from",
    "close_account",
    "closing_checks",
    "contest_dispute",
    "count_money_days",
    "end_sessions",
    "erase_files",
    "erase_recipient",
    "erasure_report",
    "expire_exports",
    "expire_requests",
    "exports_of",
    "figures",
    "freeze",
    "health",
    "left_to_refund_kobo",
    "line_of",
    "make_statement_again",
    "may_approve",
    "may_change_alone",
    "monitored",
    "name_of",
    "note_download",
    "obstacles",
    "offers_for_case",
    "offers_for_plan",
    "offers_for_saver",
    "offers_for_transaction",
    "open_from_outbox",
    "open_question",
    "payment_of",
    "preview",
    "prove",
    "prove_from_outbox",
    "read_lists_with",
    "record",
    "record_rebuild",
    "recover_lost",
    "refresh",
    "refuse",
    "refuse_payout",
    "remove_second_step",
    "request_export",
    "resend_confirmation",
    "resend_mail",
    "retry_mail",
    "saver_sheet",
    "schedule_terms",
    "search",
    "see_evidence",
    "solve",
    "staff_with",
    "sync_cases",
    "take_file",
    "terms_of",
    "undo_email_change",
    "undoable_changes",
    "unfreeze",
    "waiting_proposals",
    "with_terms",
    "withdraw",
    "write_export",
    "write_note",
    "write_person_export",
    "write_saver_note",
]
