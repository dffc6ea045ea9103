"""Background work: outbox rows, committed together with their cause, and rows that a run postponed after a failure."""

from savings.outbox.autosaves import AUTOSAVE_RECHECK, recheck_autosaves
from savings.outbox.cases import CASE_OPENING, open_case
from savings.outbox.delivery import (
    MOST_TRIES,
    Handler,
    LeaseLost,
    RetryLater,
    deliver,
    due_rows,
    renew,
    retry_dead_row,
    sweep,
)
from savings.outbox.postponements import (
    clear_other_postponements,
    clear_postponement,
    for_each_row,
    for_each_row_in_parts,
    is_database_away,
    postpone,
    postponed_row_ids,
    waiting_row_ids,
)
from savings.outbox.rows import (
    add,
    add_for_many,
    cancel,
    convert_to,
    finish,
    is_any_waiting,
    row_committed,
    waiting_seconds,
)

__all__ = [
    "AUTOSAVE_RECHECK",
    "CASE_OPENING",
    "MOST_TRIES",
    "Handler",
    "LeaseLost",
    "RetryLater",
    "add",
    "add_for_many",
    "cancel",
    "clear_other_postponements",
    "clear_postponement",
    "convert_to",
    "deliver",
    "due_rows",
    "finish",
    "for_each_row",
    "for_each_row_in_parts",
    "is_any_waiting",
    "is_database_away",
    "open_case",
    "postpone",
    "postponed_row_ids",
    "recheck_autosaves",
    "renew",
    "retry_dead_row",
    "row_committed",
    "sweep",
    "waiting_row_ids",
    "waiting_seconds",
]
