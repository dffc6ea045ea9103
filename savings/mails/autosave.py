"""Emails about auto-save: tomorrow's date, one that ran late or failed, and a rule that stopped by itself."""

from __future__ import annotations

import datetime

from django.utils import timezone
from django.utils.formats import date_format

from savings import money, outbox
from savings.mails import messages
from savings.models import AutosaveRule, AutosaveRun, OutboxRow

AUTOSAVE_TOMORROW = "autosave_tomorrow"


def autosave_tomorrow(run: AutosaveRun) -> OutboxRow | None:
    """Tell a user the day before what will be saved; once per date, unless turned off."""
    if not run.rule.user.wants_autosave_notices:
        return None
    return _add(AUTOSAVE_TOMORROW, run)


def autosave_late(run: AutosaveRun) -> OutboxRow | None:
    """Tell a user that a date was missed because the site did not work, and is made up for now; once per date."""
    return _add("autosave_late", run)


def autosave_failed(
    run: AutosaveRun, *, why: str, is_short: bool, next_try_at: datetime.datetime | None
) -> OutboxRow | None:
    """Tell a user that a try failed, why (a sentence), and when the next one is; once per try.

    `is_short` says that the stash held too little, which a payment into it mends.
    """
    again = date_format(timezone.localtime(next_try_at), "l j F, H:i") if next_try_at else ""
    # The last mail of a date may follow that of the same try, which had named a next one.
    key = [str(run.tries)] if next_try_at else [str(run.tries), "last"]
    return _add("autosave_failed", run, *key, why=why, short=is_short, again=again)


def autosave_stopped(rule: AutosaveRule, why: str) -> OutboxRow | None:
    """Tell a user that a rule has paused or ended by itself, and why (a sentence); once per rule and reason a day."""
    today = timezone.localdate()
    return _add_row(
        "autosave_stopped",
        rule,
        f"{rule.pk}:{rule.reason}:{today}",
        {"why": why, "ended": rule.is_ended, "amount": _amount(rule.amount_kobo)},
    )


def _add(kind: str, run: AutosaveRun, *key: str, **facts: object) -> OutboxRow | None:
    return _add_row(
        kind,
        run.rule,
        ":".join([str(run.pk), *key]),
        {
            "amount": _amount(run.amount_kobo),
            "source": str(run.card) if run.card else messages.STASH,
            "day": date_format(run.due_on, "l j F Y"),
            "run": run.pk,
            **facts,
        },
    )


def _add_row(kind: str, rule: AutosaveRule, cause: str, facts: dict[str, object]) -> OutboxRow | None:
    """Write the row of a mail. Inactive users get none."""
    if not rule.user.is_active:
        return None
    return outbox.add(
        kind,
        dedupe_key=f"{kind}:{cause}",
        user=rule.user,
        payload={
            "rule": rule.pk,
            "into": rule.plan.name if rule.plan else messages.YOUR_STASH,
            "plan_id": rule.plan_id,
            **facts,
        },
    )


def _amount(kobo: int | None) -> str:
    return money.naira(kobo) if kobo else ""
