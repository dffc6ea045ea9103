"""The staff admin, one file per feature."""

from django.contrib import admin

from web.admin import (
    autosave,
    calendar,
    cards,
    circles,
    groups,
    installation,
    jobs,
    ledger,
    outbox,
    payments,
    payouts,
    plans,
    postponements,
    recipients,
    sign_ins,
    statements,
    treasury,
    users,
)

__all__ = [
    "autosave",
    "calendar",
    "cards",
    "circles",
    "groups",
    "installation",
    "jobs",
    "ledger",
    "outbox",
    "payments",
    "payouts",
    "plans",
    "postponements",
    "recipients",
    "sign_ins",
    "statements",
    "treasury",
    "users",
]

admin.site.site_header = "Asusu"
admin.site.site_title = "Asusu staff"
admin.site.index_title = "Staff"
