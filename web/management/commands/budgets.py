"""Prints the budget of each page beside its measured cost."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from savings import demo, leaderboards
from savings.models import User
from web.dev import embedded_redis
from web.observability import budgets, page_costs
from web.observability.budgets import BUDGETS, Budget
from web.observability.page_costs import Cost

_LINE = "{:28} {:>9} {:>9} {:>9} {:>14}  {}"


class Command(BaseCommand):
    help = (
        "Print what each page may cost beside what it costs the demo's first person in the database at hand. "
        "Ends with 1 where a page costs more."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--markdown", action="store_true", help="print the table of docs/performance.md instead"
        )

    def handle(self, *args: Any, markdown: bool, **options: Any) -> None:
        if markdown:
            self.stdout.write(budgets.markdown(), ending="")
            return
        if not settings.DEBUG:
            raise CommandError("This signs somebody in whom it does not ask: only with DEBUG=1.")
        user = User.objects.filter(email=demo.ADA.email).first()
        if user is None:
            raise CommandError("There is nobody to measure with: `manage.py demo` makes the demo.")
        if not os.environ.get("REDIS_URL"):
            sys.exit(_with_redis_of_its_own())
        self._measure(user)

    def _measure(self, user: User) -> None:
        # Do what a running worker would already have done.
        leaderboards.record_days(timezone.now())
        for circle_id in user.memberships.current().values_list("circle_id", flat=True):
            leaderboards.rebuild_board(circle_id)
        self.stdout.write(f"{user.email}, {user.transactions.count()} transactions; measured / budget\n\n")
        self.stdout.write(_LINE.format("page", "SQL cold", "SQL warm", "Redis", "bytes", ""))
        excessive = 0
        for budget, cost in page_costs.measure(user, BUDGETS):
            self.stdout.write(_line(budget, cost))
            excessive += bool(cost and cost.excess(budget))
        if excessive:
            self.stdout.write(f"\n{excessive} of {len(BUDGETS)} cost more than they may.")
            sys.exit(1)
        self.stdout.write("\nEvery page keeps to its budget.")


def _line(budget: Budget, cost: Cost | None) -> str:
    if cost is None:
        return f"{budget.name:28} not there for this person"
    figures = [f"{getattr(cost, name)} / {getattr(budget, name)}" for name in cost._fields]
    excess = cost.excess(budget)
    return _LINE.format(budget.name, *figures, f"TOO MUCH: {', '.join(excess)}" if excess else "").rstrip()


def _with_redis_of_its_own() -> int:
    """Run the command again with a private Redis, because the settings are already loaded; return its exit code."""
    redis = embedded_redis.start(settings.VAR_DIR / "redis-budgets.sock")
    try:
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "budgets"]
        environment = os.environ | {"REDIS_URL": redis.url}
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 (our own words)
    finally:
        redis.stop()
