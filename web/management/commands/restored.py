"""Makes the site safe after a database restore, so that nothing of the lost history is shown or done."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from savings import installation, leaderboards, mails, statements, tasks

# allauth's counters of failed sign-ins and its used codes, which stay valid whatever the database contains.
_KEPT = b":allauth"


class Command(BaseCommand):
    help = (
        "Run this after a backup of the database was restored, before the site starts again. Cached pages and "
        "leaderboards of the lost history are dropped, everybody has to sign in again, and mails that waited in the "
        "backup are given up for staff to decide about, since they may have been sent already."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--remove-files",
            action="store_true",
            help="remove files of statements that this database knows nothing of; not where another site shares them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given_up = installation.begin_new_history(mails.KINDS)
        self.stdout.write("The database has a new epoch: nothing cached before it is shown.")
        self.stdout.write(f"{_count(given_up, 'mail')} given up. See Outbox in the admin, under Given up.")
        # A session that was ended after the backup must not become valid again.
        sessions, _ = Session.objects.all().delete()
        UserSession.objects.all().delete()
        self.stdout.write(f"{_count(sessions, 'session')} ended.")
        self._empty_redis()
        self._look_at_files(remove=options["remove_files"])

    def _empty_redis(self) -> None:
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
        self.stdout.write("Sessions, pages, leaderboards and queued tasks are gone from Redis.")

    def _look_at_files(self, *, remove: bool) -> None:
        try:
            unknown = statements.unknown_file_names()
            if remove:
                for name in unknown:
                    statements.delete_file(name)
        except OSError as error:
            self.stderr.write(f"The files of statements could not be looked at: {error}")
            return
        if unknown:
            what = "removed" if remove else "left; --remove-files removes them"
            self.stdout.write(f"{_count(len(unknown), 'file')} of statements of the lost history {what}.")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
