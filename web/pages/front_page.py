"""The front page of staff: the figures, cached for a minute, and of these what the reader's role allows."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince

from savings import backoffice, jobs, money
from savings.backoffice import Figures, Stuck
from savings.models import Case, MoneyDay
from savings.models.local_days import start_of
from web.messages import backoffice_front as messages
from web.pages.row_titles import jobs_in_words
from web.pages.stacked_chart import stacked_chart

# With the form of the value in it: a process with other code must not read it.
_KEY = "staff:front:6"
_SECONDS = 60
# The permission for each figure, and the list with the rows behind it.
_BEHIND = {
    **{kind: ("view_case", "admin:savings_case_changelist", f"?open={kind}") for kind in Case.Kind.values},
    "requests": ("view_staffrequest", "admin:savings_staffrequest_changelist", "?state=waiting"),
    "payouts approval": ("view_payout", "admin:savings_payout_changelist", "?state=approval"),
    "payouts other": ("view_case", "admin:savings_case_changelist", f"?open={Case.Kind.PAYOUT}"),
    "payouts waiting": ("view_payout", "admin:savings_payout_changelist", "?state=waiting"),
    "payouts sent": ("view_payout", "admin:savings_payout_changelist", "?state=sent"),
    "mails": ("view_outboxrow", "admin:savings_outboxrow_changelist", "?state=dead"),
    "statements": ("view_statement", "admin:savings_statement_changelist", "?state=failed"),
}
_PARTS = {
    "jobs": "view_jobrun",
    "assets": "view_balanceday",
    "coverage": "view_coverageday",
    "money": "view_moneyday",
    "proof": "view_coverageday",
}


def front_page(may: Callable[[str], bool]) -> dict[str, Any]:
    """Return the context of the front page for a reader with permissions. No query while the figures are cached."""
    found = cache.get(_KEY)
    if not isinstance(found, dict):
        found = _prepared(backoffice.figures(timezone.now()))
        cache.set(_KEY, found, _SECONDS)
    shown = {part: found[part] for part, right in _PARTS.items() if may(f"savings.{right}")}
    if shown.get("assets"):
        # Drawn from the sums each time: HTML from a cache would have to be trusted.
        shown["assets"] = {**shown["assets"], "chart": _chart(shown["assets"]["columns"])}
    lines = [_line(*line) for line in found["waiting"] if may(f"savings.{_BEHIND[line[0]][0]}")]
    waiting = [line for line in lines if line["count"]]
    nothing = [line for line in lines if not line["count"]]
    shown["first"] = {part: _moment(at) for part, at in found["first"].items() if part in shown}
    return {"figures": {**shown, "waiting": waiting, "nothing": nothing, "as_of": _moment(found["as_of"])}}


def _chart(columns: list[tuple[str, dict[str, int]]]) -> str:
    days = [(datetime.date.fromisoformat(day), sums) for day, sums in columns]
    return stacked_chart(days, name="assets", title=messages.ASSETS)


def _line(what: str, count: int, oldest: str) -> dict[str, Any]:
    _, name, query = _BEHIND[what]
    age = timesince(datetime.datetime.fromisoformat(oldest), depth=1) if oldest else ""
    return {"label": messages.WAITING[what], "count": count, "age": age, "url": f"{reverse(name)}{query}"}


def _prepared(found: Figures) -> dict[str, Any]:
    """Return the figures as JSON can store them."""
    waiting = [
        [what, one.count if one else 0, one.oldest_at.isoformat() if one and one.oldest_at else ""]
        for what in messages.WAITING
        for one in [found.waiting.get(what)]
    ]
    return {
        "as_of": found.as_of.isoformat(),
        "waiting": waiting,
        "jobs": {
            "failed": messages.jobs_failed(len(found.failed_jobs)) if found.failed_jobs else "",
            "late": messages.jobs_late(len(found.late_jobs)) if found.late_jobs else "",
            "names": jobs_in_words(sorted({*found.failed_jobs, *found.late_jobs})),
            "new": messages.jobs_new(len(found.new_jobs)) if found.new_jobs else "",
        },
        "assets": _assets(found),
        "coverage": _coverage(found),
        "money": _money(found),
        "first": _first(found),
        "proof": _proof(found),
    }


def _assets(found: Figures) -> dict[str, Any]:
    if not found.assets:
        return {}
    day, parts = found.assets[-1]
    return {
        "as_of": date_format(day, "j M Y"),
        "total": money.naira(sum(parts.values()) + found.on_hold_kobo),
        "on_hold": money.naira(found.on_hold_kobo),
        "columns": [[on.isoformat(), sums] for on, sums in found.assets],
    }


def _coverage(found: Figures) -> dict[str, Any]:
    day = found.coverage
    if day is None:
        return {}
    missing_kobo = day.owed_kobo - day.held_kobo
    return {
        "share": "" if day.covered_bps is None else money.percent(day.covered_bps),
        "as_of": date_format(day.day_on, "j M Y"),
        "owed": money.naira(day.owed_kobo),
        "held": money.naira(day.held_kobo),
        "missing": money.naira(missing_kobo) if missing_kobo > 0 else "",
    }


def _money(found: Figures) -> dict[str, Any]:
    if not found.money:
        return {}
    today = timezone.localdate(found.as_of)
    this_month = [day for day in found.money if day.day_on >= today.replace(day=1)]
    latest = [
        day for day in found.money if day.day_on > today - datetime.timedelta(days=backoffice.RATE_DAYS)
    ]

    def total(days: list[MoneyDay], name: str) -> int:
        return sum(getattr(day, name) for day in days)

    def rate(name: str) -> list[str]:
        ended = total(latest, f"{name}_paid"), total(latest, f"{name}_failed")
        return [messages.rate(*ended), messages.out_of(*ended)]

    days = [day for day in found.money if day.day_on == today]
    return {
        "as_of": _moment(max(day.counted_at for day in found.money).isoformat()),
        "rows": [
            ["Today", money.naira(total(days, "in_kobo")), money.naira(total(days, "out_kobo"))],
            [
                "This month",
                money.naira(total(this_month, "in_kobo")),
                money.naira(total(this_month, "out_kobo")),
            ],
        ],
        "payments": rate("payments"),
        "payouts": rate("payouts"),
    }


def _first(found: Figures) -> dict[str, str]:
    """Return when the figures that are not stored yet will be, by the name of the part."""
    first = {}
    if not found.money:
        first["money"] = jobs.TIMETABLE["count_money_days"].next_due(found.as_of).isoformat()
    if not found.assets:
        today = timezone.localdate(found.as_of)
        has_past = found.first_entry_on is not None and found.first_entry_on < today
        since = found.as_of if has_past else start_of(today + datetime.timedelta(days=1))
        first["assets"] = jobs.TIMETABLE["store_balances"].next_due(since).isoformat()
    return first


def _proof(found: Figures) -> dict[str, Any]:
    proof = found.proof
    if proof is None:
        return {}
    return {
        "is_right": proof.is_right,
        "wrong": messages.proof_wrong(proof.wrong) if proof.wrong else proof.error,
        "checks": messages.checks(found.checks),
        "as_of": _moment((proof.ended_at or proof.began_at).isoformat()),
        "command": proof.command,
    }


def _moment(iso: str) -> str:
    return date_format(timezone.localtime(datetime.datetime.fromisoformat(iso)), "j M Y, H:i")


# The lists behind what is stuck, by the name that `savings.backoffice.health` gives it.
_STUCK_BEHIND = {
    "payment": ("view_payment", "admin:savings_payment_changelist", "?state=asked"),
    "payout": ("view_payout", "admin:savings_payout_changelist", "?state=hour"),
    "refund": ("view_refund", "admin:savings_refund_changelist", ""),
    "event": ("view_webhookevent", "admin:savings_webhookevent_changelist", "?state=waiting"),
    "dead": ("view_outboxrow", "admin:savings_outboxrow_changelist", "?state=dead"),
    "postponed": ("view_postponement", "admin:savings_postponement_changelist", ""),
}


def stuck_lines(stuck: list[Stuck], may: Callable[[str], bool]) -> list[dict[str, Any]]:
    """Return a line for each kind of stuck rows, with a link to the list for those who may see it."""
    lines = []
    for one in stuck:
        right, name, query = _STUCK_BEHIND[one.what]
        lines.append(
            {
                "label": messages.STUCK[one.what],
                "count": one.count,
                "age": timesince(one.oldest_at, depth=1) if one.oldest_at else "",
                "oldest_at": one.oldest_at,
                "url": f"{reverse(name)}{query}" if may(f"savings.{right}") else "",
            }
        )
    return lines
