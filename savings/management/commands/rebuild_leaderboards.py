"""`manage.py rebuild_leaderboards`: rebuild leaderboards in Redis from the database, while readers see the old ones."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import ngettext

from savings import leaderboards
from savings.models import Circle


class Command(BaseCommand):
    help = "Rebuilds the leaderboards of all circles, or of the given ones, from the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="the last part of a circle's URL")

    def handle(self, *args: Any, **options: Any) -> None:
        circles = Circle.objects.order_by("pk")
        if options["slugs"]:
            circles = circles.filter(slug__in=options["slugs"])
            unknown = set(options["slugs"]) - {circle.slug for circle in circles}
            if unknown:
                raise CommandError(f"No circle has the URL {', '.join(sorted(unknown))}.")
        failed = [
            slug
            for circle_id, slug in circles.values_list("pk", "slug")
            if not self._rebuild(circle_id, slug)
        ]
        if failed:
            raise CommandError(f"Not rebuilt: {', '.join(failed)}. The reasons are above.")

    def _rebuild(self, circle_id: int, slug: str) -> bool:
        """Rebuild one leaderboard. Returns False when only this one fails, so that the others are still rebuilt."""
        started_at = time.monotonic()
        try:
            members = leaderboards.rebuild_board(circle_id, force=True)
        except leaderboards.BoardsUnavailable as error:
            _check_redis()
            self.stderr.write(f"{slug}: Redis refuses this leaderboard: {error!r}")
            return False
        except Exception as error:
            self.stderr.write(f"{slug}: {error!r}")
            return False
        if members is None:
            self.stdout.write(f"{slug}: another process is rebuilding it.")
            return True
        self.stdout.write(
            f"{slug}: {members:,} {ngettext('member', 'members', members)} in {time.monotonic() - started_at:.1f} s"
        )
        return True


def _check_redis() -> None:
    try:
        leaderboards.ping()
    except leaderboards.BoardsUnavailable as error:
        raise CommandError(f"Redis does not answer: {error}") from None
