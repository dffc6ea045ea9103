"""Builds circles' boards in Redis anew from the database, while readers go on with the old ones."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from savings import leaderboards
from savings.models import Circle


class Command(BaseCommand):
    help = "Builds the boards of all circles, or of those named, anew from the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slugs", nargs="*", metavar="SLUG", help="a circle's name in its address")

    def handle(self, *args: Any, **options: Any) -> None:
        circles = Circle.objects.order_by("pk")
        if options["slugs"]:
            circles = circles.filter(slug__in=options["slugs"])
            unknown = set(options["slugs"]) - {circle.slug for circle in circles}
            if unknown:
                raise CommandError(f"There is no circle called {', '.join(sorted(unknown))}.")
        failed = [
            slug
            for circle_id, slug in circles.values_list("pk", "slug")
            if not self._rebuild(circle_id, slug)
        ]
        if failed:
            raise CommandError(f"These could not be built: {', '.join(failed)}. The reasons are above.")

    def _rebuild(self, circle_id: int, slug: str) -> bool:
        """Build one board; False where it fails for a reason of its own, so that the others are built."""
        begun_at = time.monotonic()
        try:
            members = leaderboards.rebuild_board(circle_id, force=True)
        except leaderboards.BoardsUnavailable as error:
            _check_redis()
            self.stderr.write(f"{slug}: Redis refuses this board: {error!r}")
            return False
        except Exception as error:
            self.stderr.write(f"{slug}: {error!r}")
            return False
        if members is None:
            self.stdout.write(f"{slug}: somebody else is building it.")
            return True
        self.stdout.write(f"{slug}: {members:,} members in {time.monotonic() - begun_at:.1f} s")
        return True


def _check_redis() -> None:
    try:
        leaderboards.ping()
    except leaderboards.BoardsUnavailable as error:
        raise CommandError(f"Redis does not answer: {error}") from None
