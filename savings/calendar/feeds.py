"""The private feeds of coming dates: the token in a feed's URL, renewing it, and turning the feed off."""

from __future__ import annotations

import secrets

from django.core import signing

from savings.models import CalendarFeed, User

_SIGNER = signing.Signer(salt="savings.calendar_feed")
_NONCE_BYTES = 16


def start_feed(user: User) -> CalendarFeed:
    """Return the feed of a user, a new one if there is none."""
    feed, _ = CalendarFeed.objects.get_or_create(user=user, defaults={"nonce": _new_nonce()})
    return feed


def renew_feed(user: User, token: str) -> bool:
    """Give the feed with this token another URL; the old one is not valid any more.

    Returns whether it did: a second call with the same token does nothing, and neither does the token of another user.
    """
    found = _read(token)
    if found is None or found[0] != user.pk:
        return False
    feeds = CalendarFeed.objects.filter(user=user, nonce=found[1])
    return bool(feeds.update(nonce=_new_nonce()))


def end_feed(user: User) -> None:
    """Turn the feed of a user off for good: its URL is not valid any more."""
    CalendarFeed.objects.filter(user=user).delete()


def end_all_feeds() -> int:
    """Turn every feed off, and return how many there were: for a restored database.

    A feed that was ended or renewed after the backup has its old URL again, and nobody knows which ones these are.
    """
    ended, _ = CalendarFeed.objects.all().delete()
    return ended


def show_amounts(user: User, *, shown: bool) -> None:
    """Let the feed of a user contain amounts, or not."""
    CalendarFeed.objects.filter(user=user).update(shows_amounts=shown)


def feed_token(feed: CalendarFeed) -> str:
    """Return the token in a feed's URL. Whoever has the URL can read the feed."""
    return _SIGNER.sign(f"{feed.user_id}-{feed.nonce}")


def feed_of_token(token: str) -> CalendarFeed | None:
    """Return the feed of a token with its user; None for a token that is not valid, or of a closed account."""
    found = _read(token)
    if found is None:
        return None
    feeds = CalendarFeed.objects.select_related("user")
    return feeds.filter(user_id=found[0], nonce=found[1], user__is_active=True).first()


def _read(token: str) -> tuple[int, str] | None:
    try:
        user_id, _, nonce = _SIGNER.unsign(token).partition("-")
    except signing.BadSignature:
        return None
    return int(user_id), nonce


def _new_nonce() -> str:
    return secrets.token_urlsafe(_NONCE_BYTES)
