"""Makes the site safe after a restore: nothing of the lost history in Redis, a session or a feed has an effect."""

from __future__ import annotations

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management.base import CommandError
from django.utils.translation import ngettext
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from savings import calendar, installation, leaderboards, mails, statements, tasks

# allauth's counters of failed sign-ins and its used codes, which do not depend on the database.
_KEPT = b":allauth"


def end_lost_history(say: Callable[[str], object], *, remove_files: bool) -> None:
    """Give the database a new epoch, end sessions and feeds, give waiting mails up, and empty Redis.

    `say` gets a line about each step. `remove_files` also removes the files of statements that the database does not
    know. Safe to repeat. Raises CommandError while Redis does not answer.
    """
    given_up = installation.begin_new_history(mails.KINDS)
    say("The database has a new epoch. Nothing that was cached before is shown.")
    say(
        f"{_count(given_up, 'mail', 'mails')} given up. See Outbox rows in the admin, with the filter Given up."
    )
    # A session that was ended after the backup must not become valid again.
    sessions, _ = Session.objects.all().delete()
    UserSession.objects.all().delete()
    say(f"{_count(sessions, 'session', 'sessions')} ended.")
    feeds = calendar.end_all_feeds()
    say(f"{_count(feeds, 'calendar feed', 'calendar feeds')} turned off.")
    _empty_redis()
    say("Removed sessions, cached pages, leaderboards and queued tasks from Redis.")
    _look_at_files(say, remove=remove_files)


def _empty_redis() -> None:
    try:
        for name in settings.CACHES:
            store = get_redis_connection(name)
            for key in store.scan_iter(match=f"{settings.CACHES[name]['KEY_PREFIX']}:*", count=1000):
                if _KEPT not in key:
                    store.unlink(key)
        leaderboards.delete_all_boards()
        tasks.deliver_outbox_row.huey.flush()
    except (RedisError, leaderboards.BoardsUnavailable) as error:
        raise CommandError(
            f"Redis does not answer ({error}). Start it and run this again before the site starts."
        ) from None


def _look_at_files(say: Callable[[str], object], *, remove: bool) -> None:
    try:
        unknown = statements.unknown_file_names()
        if remove:
            for name in unknown:
                statements.delete_file(name)
    except OSError as error:
        say(f"The statement files could not be listed: {error}")
        return
    if unknown:
        files = _count(len(unknown), "statement file", "statement files")
        done, hint = ("Removed", "") if remove else ("Found", " Use --remove-files to remove them.")
        say(f"{done} {files} of the lost history.{hint}")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {ngettext(one, many, number)}"
