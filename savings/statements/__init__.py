"""Statements: request one, write it in the background, store its file, verify it, and subscribe to monthly ones."""

from savings.statements.certificates import years as certificate_years
from savings.statements.downloads import (
    count_download,
    link_token,
    resend_mail,
    statement_of_token,
)
from savings.statements.files import (
    delete_file,
    new_export_draft,
    open_file,
    put_back,
    save_copy,
    sha256,
    store,
    unknown_file_names,
)
from savings.statements.formats.csv import write_list
from savings.statements.limits import expected_rows, most_rows
from savings.statements.periods import BEGINNING, period_presets
from savings.statements.removal import delete, revoke
from savings.statements.requests import OUTBOX_KIND, ask_again, request, request_certificate
from savings.statements.subscriptions import request_monthly, subscribe, unsubscribe
from savings.statements.upkeep import expire_files, fail_abandoned, link_outbox_rows
from savings.statements.verification import cleaned_code, verify
from savings.statements.writing import write_now, write_statement

__all__ = [
    "BEGINNING",
    "OUTBOX_KIND",
    "ask_again",
    "certificate_years",
    "cleaned_code",
    "count_download",
    "delete",
    "delete_file",
    "expected_rows",
    "expire_files",
    "fail_abandoned",
    "link_outbox_rows",
    "link_token",
    "most_rows",
    "new_export_draft",
    "open_file",
    "period_presets",
    "put_back",
    "request",
    "request_certificate",
    "request_monthly",
    "resend_mail",
    "revoke",
    "save_copy",
    "sha256",
    "statement_of_token",
    "store",
    "subscribe",
    "unknown_file_names",
    "unsubscribe",
    "verify",
    "write_list",
    "write_now",
    "write_statement",
]
