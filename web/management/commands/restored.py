"""Makes the site safe after a database restore, so that nothing of the lost history is shown or done."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import ngettext
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from savings import calendar, installation, leaderboards, mails, statements, tasks

# allauth's counters of failed sign-ins and its used codes, which do not depend on the database.
_KEPT = b":allauth"


class Command(BaseCommand):
    help = (
        "Run this after you restore a backup of the database, before the site starts again. It drops cached pages and "
        "leaderboards of the lost history, signs everyone out and turns calendar feeds off. It gives up mails that "
        "waited in the backup, because they may have been sent already. Staff decide about them in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--remove-files",
            action="store_true",
            help="remove statement files that this database does not know. Leave it out if another site shares the "
            "storage",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given_up = installation.begin_new_history(mails.KINDS)
        self.stdout.write("The database has a new epoch. Nothing that was cached before is shown.")
        self.stdout.write(
            f"{_count(given_up, 'mail', 'mails')} given up. See Outbox rows in the admin, with the filter Given up."
        )
        # A session that was ended after the backup must not become valid again.
        sessions, _ = Session.objects.all().delete()
        UserSession.objects.all().delete()
        self.stdout.write(f"{_count(sessions, 'session', 'sessions')} ended.")
        feeds = calendar.end_all_feeds()
        self.stdout.write(f"{_count(feeds, 'calendar feed', 'calendar feeds')} turned off.")
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
        self.stdout.write("Removed sessions, cached pages, leaderboards and queued tasks from Redis.")

    def _look_at_files(self, *, remove: bool) -> None:
        try:
            unknown = statements.unknown_file_names()
            if remove:
                for name in unknown:
                    statements.delete_file(name)
        except OSError as error:
            self.stderr.write(f"The statement files could not be listed: {error}")
            return
        if unknown:
            files = _count(len(unknown), "statement file", "statement files")
            done, hint = ("Removed", "") if remove else ("Found", " Use --remove-files to remove them.")
            self.stdout.write(f"{done} {files} of the lost history.{hint}")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {ngettext(one, many, number)}"
