"""The texts of the front page of staff and of the page of the ledger's health."""

from __future__ import annotations

from django.utils.translation import ngettext

from savings.backoffice import Health, Tally

# What waits, by the name that `savings.backoffice.figures` gives it, in the order of the page.
WAITING = {
    "dispute": "Disputes",
    "payment": "Payments being checked",
    "refund": "Refunds that need a person",
    "event": "Provider events",
    "question": "Questions of savers",
    "requests": "Requests for approval",
    "payouts approval": "Withdrawals that wait for approval",
    "payouts other": "Other withdrawals that need a person",
    "payouts waiting": "Withdrawals to be sent",
    "payouts sent": "Withdrawals with the provider",
    "mails": "Mails and other work given up",
    "statements": "Statements that failed in the last 30 days",
}
# What is stuck, by the name that `savings.backoffice.health` gives it.
STUCK = {
    "payment": "Payments on their way",
    "payout": "Withdrawals on their way",
    "refund": "Refunds on their way",
    "event": "Provider events that wait for a worker",
    "dead": "Mails and other work given up",
    "postponed": "Failures of jobs",
}
ASSETS = "Assets under management by product"
NEVER = "never"
PROOF_RUNS = "The worker proves the books. This page shows each result as soon as it is there."


PAGES_RULE = "The cached pages of the savers who signed in last equal the same pages rendered afresh."


def page_differs(path: str, user_id: int) -> str:
    return f"{path} of saver {user_id} is cached, and differs from a fresh page"


def trouble(health: Health) -> list[tuple[str, str]]:
    """Return a sentence for each thing beside the checks that is not as it should be, and the part of the page."""
    day, boards = health.coverage, health.boards
    dead = sum(one.count for one in health.stuck if one.what == "dead")
    found = [
        (day is not None and day.held_kobo < day.owed_kobo, "Less is held than owed.", "derived-h"),
        (bool(health.late_jobs), f"{jobs_late(len(health.late_jobs))}.", "jobs-h"),
        (bool(health.failed_jobs), f"{jobs_failed(len(health.failed_jobs))}.", "jobs-h"),
        (
            boards is not None and bool(boards.rows_done),
            "Members of leaderboards had wrong amounts.",
            "derived-h",
        ),
        (dead > 0, "Mails or other work were given up.", "stuck-h"),
    ]
    return [(sentence, part) for is_so, sentence, part in found if is_so]


def jobs_failed(count: int) -> str:
    return ngettext("%(count)d job failed", "%(count)d jobs failed", count) % {"count": count}


def jobs_late(count: int) -> str:
    return ngettext("%(count)d job is late", "%(count)d jobs are late", count) % {"count": count}


def jobs_new(count: int) -> str:
    return ngettext("%(count)d job has not run yet", "%(count)d jobs have not run yet", count) % {
        "count": count
    }


def rate(done: int, failed: int) -> str:
    ended = done + failed
    if not ended:
        return "None ended"
    return f"{done * 1000 // ended / 10:.1f}%"


def share(bps: int) -> str:
    return f"{bps // 10 / 10:.1f}%"


def out_of(done: int, failed: int) -> str:
    return f"{done:,} of {done + failed:,}" if done + failed else ""


def checks(found: Tally) -> str:
    """Return how the checks of the books last came out, such as “36 of 37 checks are right, 1 never ran”."""
    if found.never == sum(found):
        return f"None of the {found.never} checks has run yet"
    parts = [f"{found.right} of {sum(found)} checks are right"]
    parts += [f"{found.wrong} found something wrong"] if found.wrong else []
    parts += [f"{found.never} never ran"] if found.never else []
    return ", ".join(parts)


def proof_wrong(count: int) -> str:
    return ngettext("%(count)d row is wrong", "%(count)d rows are wrong", count) % {"count": count}
