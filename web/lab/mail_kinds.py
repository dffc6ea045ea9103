"""The kinds of mails that the site sends, what causes each, and how many of each a user has."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Count

from savings import mails
from savings.models import User

# What the article says of its mails, by the kinds of ours.
OF_THE_ARTICLE = {
    "top_up_received": "top up their plan",
    "plan_matured": "transfer their matured savings to their Stash",
    "new_device": "log into their account",
    "circle_joined": "join a new Savings Circle",
}


class MailKind(NamedTuple):
    """A kind of mail: its name and its reason in the savers' words, and how many of it a user's outbox has."""

    kind: str
    name: str
    why: str
    yours: int
    # The words of the article, if it names this kind.
    said: str


def kinds_of(user: User) -> list[MailKind]:
    """Return every kind of mail, those of the article first."""
    rows = user.outbox_rows.filter(kind__in=mails.KINDS).order_by()
    counts = dict(rows.values_list("kind").annotate(Count("pk")))
    kinds = [*OF_THE_ARTICLE, *(kind for kind in mails.KINDS if kind not in OF_THE_ARTICLE)]
    return [
        MailKind(kind, *mails.KINDS[kind], counts.get(kind, 0), OF_THE_ARTICLE.get(kind, ""))
        for kind in kinds
    ]
