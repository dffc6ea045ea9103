"""The sections of staff's page about a saver: a table for each kind of row, ready to print."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from savings import money
from savings.backoffice import SaverSheet
from savings.models import Case, Membership, OutboxRow, Plan, Recipient, SavedCard, StaffRequest
from web.auth import devices
from web.messages import backoffice_savers as messages
from web.messages.lists import REST_OF_GOAL
from web.pages import badges
from web.pages.row_titles import kind_in_words, title_of
from web.pages.saver_tables import Cell, Group, Lists, Section, day, moment, number, when

_STEPS = {"totp": "Authenticator app", "recovery_codes": "Recovery codes", "webauthn": "Passkey"}


def groups(sheet: SaverSheet, *, may: Callable[[str], bool]) -> tuple[list[Group], list[str]]:
    """Return the tables of a saver's page by subject, and the titles of those without rows.

    `may` says whether the reader has a permission, for the links to lists.
    """
    lists = Lists(sheet.user.pk, may)
    by_subject = {
        "money": [
            _plans(sheet, lists),
            _transactions(sheet, lists),
            _payouts(sheet, lists),
            _recipients(sheet, lists),
            _cards(sheet, lists),
        ],
        "saving": [_rules(sheet, lists), _circles(sheet, lists)],
        "messages": [_mails(sheet, lists), _statements(sheet, lists)],
        "access": [
            _sign_ins(sheet),
            _sessions(sheet),
            _devices(sheet, lists),
            _email_changes(sheet, lists),
        ],
    }
    without = [section.title for found in by_subject.values() for section in found if not section.rows]
    shown = {
        name: [section.without_empty_columns() for section in found if section.rows]
        for name, found in by_subject.items()
    }
    return [Group(name, messages.GROUPS[name], found) for name, found in shown.items() if found], without


def _newest(moments: Sequence[datetime.datetime]) -> str:
    return messages.newest(timezone.localtime(moments[0])) if moments else ""


def _plans(sheet: SaverSheet, lists: Lists) -> Section:
    def row(plan: Plan) -> list[Cell]:
        return [
            Cell(plan.name, lists.row("plan", plan.pk)),
            Cell(plan.product_name),
            Cell(messages.balance(plan), kind="num"),
            Cell(day(plan.matures_on), kind="when"),
            Cell("Open", lists.seen("plan", plan.pk)),
        ]

    head = ["Plan", "Product", "Balance", "Ends", "Saver’s view"]
    rows = [row(plan) for plan in sheet.plans]
    about = money.naira(sheet.plans_kobo)
    return Section("plans", "Plans", head, rows, lists.all_of("plan"), lists.seen("dashboard"), about)


def _transactions(sheet: SaverSheet, lists: Lists) -> Section:
    def row(movement: Any) -> list[Cell]:
        return [
            when(movement.created_on),
            Cell(movement.get_kind_display()),
            number(movement.moved_kobo),
            Cell(badges.state_of(movement, "status")),
            Cell(movement.plan.name if movement.plan else ""),
            Cell(movement.reference, lists.row("transaction", movement.pk)),
            Cell("Open", lists.seen("receipt", movement.reference)),
        ]

    head = ["When", "What", "Amount", "State", "Plan", "Reference", "Saver’s view"]
    rows = [row(movement) for movement in sheet.transactions]
    about = _newest([movement.created_on for movement in sheet.transactions])
    all_url, seen_url = lists.all_of("transaction"), lists.seen("transactions")
    return Section("transactions", "Transactions", head, rows, all_url, seen_url, about)


def _payouts(sheet: SaverSheet, lists: Lists) -> Section:
    rows = [
        [
            when(payout.asked_at),
            number(payout.transaction.amount_kobo),
            Cell(badges.state_of(payout)),
            Cell(str(payout.recipient)),
            Cell(payout.transaction.reference, lists.row("payout", payout.pk)),
        ]
        for payout in sheet.payouts
    ]
    head = ["When", "Amount", "State", "To", "Reference"]
    about = _newest([payout.asked_at for payout in sheet.payouts])
    return Section("payouts", "Withdrawals", head, rows, lists.all_of("payout"), lists.seen("stash"), about)


def _rules(sheet: SaverSheet, lists: Lists) -> Section:
    rows = [
        [
            Cell(rule.reference, lists.row("autosaverule", rule.pk)),
            Cell(money.naira(rule.amount_kobo) if rule.amount_kobo else REST_OF_GOAL, kind="num"),
            Cell(rule.get_every_display()),
            Cell(rule.plan.name if rule.plan else "Stash"),
            Cell(badges.state_of(rule, "status")),
            Cell(rule.get_reason_display()),
            Cell(date_format(rule.next_on, "j M Y") if rule.next_on else "", kind="when"),
        ]
        for rule in sheet.rules
    ]
    head = ["Auto-save", "Amount", "How often", "Into", "State", "Reason", "Next"]
    return Section("rules", "Auto-saves", head, rows, lists.all_of("autosaverule"))


def _circles(sheet: SaverSheet, lists: Lists) -> Section:
    def row(member: Membership) -> list[Cell]:
        circle = member.circle
        state = (
            messages.LEFT if member.left_at else messages.OWNER if circle.owner_id == member.user_id else ""
        )
        seen = Cell("") if member.left_at else Cell("Open", lists.seen("circle", circle.slug))
        return [
            Cell(circle.name, lists.row("circle", circle.pk)),
            Cell(member.nickname),
            number(member.saved_kobo),
            Cell(day(circle.ends_on), kind="when"),
            Cell(state),
            seen,
        ]

    head = ["Circle", "Nickname", "Saved", "Ends", "Role", "Saver’s view"]
    return Section(
        "circles", "Circles", head, [row(one) for one in sheet.memberships], lists.all_of("membership")
    )


def _cards(sheet: SaverSheet, lists: Lists) -> Section:
    def state(card: SavedCard) -> str:
        if card.removed_at:
            return messages.REMOVED
        return card.get_trouble_display() or (messages.DEFAULT if card.is_default else "")

    rows = [
        [
            Cell(card.digits, lists.row("savedcard", card.pk)),
            Cell(card.name),
            Cell(card.bank),
            Cell(day(card.expires_on) if card.expires_on else "", kind="when"),
            Cell(state(card)),
        ]
        for card in sheet.cards
    ]
    head = ["Card", "Name", "Bank", "Expires", "State"]
    return Section("cards", "Saved cards", head, rows, lists.all_of("savedcard"))


def _recipients(sheet: SaverSheet, lists: Lists) -> Section:
    def state(recipient: Recipient) -> str:
        if recipient.removed_at:
            return messages.REMOVED
        if not recipient.is_usable():
            return messages.usable_from(recipient.usable_at)
        return messages.DEFAULT if recipient.is_default else messages.USABLE

    rows = [
        [
            Cell(str(one), lists.row("recipient", one.pk)),
            Cell(one.account_name),
            when(one.added_at),
            Cell(state(one)),
        ]
        for one in sheet.recipients
    ]
    head = ["Bank account", "Name at the bank", "Added", "State"]
    return Section("recipients", "Bank accounts", head, rows, lists.all_of("recipient"))


def _mails(sheet: SaverSheet, lists: Lists) -> Section:
    def row(mail: OutboxRow) -> list[Cell]:
        return [
            when(mail.created_at),
            Cell(mail.subject or kind_in_words(mail.kind), lists.row("outboxrow", mail.pk)),
            Cell(mail.to),
            Cell(badges.mail_state(mail)),
            Cell(mail.error),
        ]

    head = ["When", "Mail", "Sent to", "State", "Error"]
    rows, about = [row(one) for one in sheet.mails], _newest([one.created_at for one in sheet.mails])
    return Section("mails", "Mails", head, rows, lists.all_of("outboxrow"), about=about)


def _statements(sheet: SaverSheet, lists: Lists) -> Section:
    rows = [
        [
            Cell(title_of(one), lists.row("statement", one.pk)),
            Cell(one.get_format_display()),
            when(one.requested_at),
            Cell(badges.state_of(one)),
            Cell(one.reason),
        ]
        for one in sheet.statements
    ]
    head = ["Statement", "Format", "Requested", "State", "Reason"]
    about = _newest([one.requested_at for one in sheet.statements])
    return Section("statements", "Statements", head, rows, lists.all_of("statement"), about=about)


def _sign_ins(sheet: SaverSheet) -> Section:
    addresses = [
        [Cell("Email address"), Cell(one.email), Cell("" if one.verified else messages.NOT_CONFIRMED)]
        for one in sheet.emails
    ]
    steps = [
        [Cell("Second step"), Cell(_STEPS.get(one.type, one.type)), when(one.last_used_at)]
        for one in sheet.steps
    ]
    return Section("sign-ins", "How they sign in", ["What", "Which", "Last used"], addresses + steps)


def _sessions(sheet: SaverSheet) -> Section:
    rows = [
        [
            Cell(devices.label(one.user_agent)),
            Cell(one.ip),
            when(one.created_at),
            when(one.last_seen_at),
        ]
        for one in sheet.sessions
    ]
    return Section("sessions", "Sessions", ["Browser", "IP address", "Signed in", "Last seen"], rows)


def _devices(sheet: SaverSheet, lists: Lists) -> Section:
    rows = [[Cell(one.label), when(one.first_seen_at), when(one.last_seen_at)] for one in sheet.devices]
    head = ["Device", "First seen", "Last seen"]
    return Section("devices", "Known devices", head, rows, lists.all_of("device"))


def _email_changes(sheet: SaverSheet, lists: Lists) -> Section:
    rows = [
        [
            Cell(one.old_email),
            Cell(one.new_email),
            when(one.effective_at),
            when(one.ended_at),
        ]
        for one in sheet.email_changes
    ]
    head = ["From", "To", "In effect since", "Ended"]
    return Section("email-changes", "Changes of email address", head, rows, lists.all_of("emailchange"))


def with_links(
    page: str, rows: Sequence[Case] | Sequence[StaffRequest], *, may: Callable[[str], bool]
) -> list[tuple[Any, str]]:
    """Return cases or requests, each with the URL of its page for those who may see it."""
    return [
        (row, reverse(f"admin:{page}", args=[row.pk]) if may(f"savings.view_{row._meta.model_name}") else "")
        for row in rows
    ]


def states(sheet: SaverSheet) -> list[tuple[str, str]]:
    """Return the sentences at the head of the page about what is wrong with the account, each with its reason."""
    found: list[tuple[str, Any]] = []
    if sheet.user.frozen:
        why = sheet.froze
        text = f"{moment(why.at)} · {why.staff or ''} · {why.text}" if why else ""
        found.append((messages.freeze(sheet.user), text))
    found.append((messages.closed(sheet.user), ""))
    if sheet.available.owed_kobo:
        found.append((messages.owed(sheet.available.owed_kobo), ""))
    if sheet.available.disputed_kobo:
        found.append((messages.disputed(sheet.available.disputed_kobo), ""))
    return [state for state in found if state[0]]
