"""Prints the budget of each page beside its measured cost."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import ngettext

from savings import demo, leaderboards
from savings.models import User
from web.dev import own_redis
from web.observability import budgets, page_costs
from web.observability.budgets import BUDGETS, Budget
from web.observability.page_costs import Cost

_LINE = "{:28} {:>9} {:>9} {:>9} {:>14}  {}"


class Command(BaseCommand):
    help = (
        "Prints the budget of each page beside its measured cost for the demo's first user, in this database. "
        "Exits with 1 if a page exceeds its budget."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--markdown",
            action="store_true",
            help="print the budgets as the table of docs/performance.md instead",
        )

    def handle(self, *args: Any, markdown: bool, **options: Any) -> None:
        if markdown:
            self.stdout.write(budgets.markdown(), ending="")
            return
        if not settings.DEBUG:
            raise CommandError("This signs in as a user without a password, so it works only with DEBUG=1.")
        user = User.objects.filter(email=demo.ADA.email).first()
        if user is None:
            raise CommandError("The demo is not loaded. Run `manage.py demo` first.")
        code = own_redis.run_again("budgets")
        if code is not None:
            sys.exit(code)
        self._measure(user)

    def _measure(self, user: User) -> None:
        # Do what a running worker would already have done.
        leaderboards.record_days(timezone.now())
        for circle_id in user.memberships.current().values_list("circle_id", flat=True):
            leaderboards.rebuild_board(circle_id)
        self.stdout.write(f"{user.email}, {user.transactions.count():,} transactions; measured / budget\n\n")
        self.stdout.write(_LINE.format("page", "SQL cold", "SQL warm", "Redis", "bytes", ""))
        excessive = 0
        for budget, cost in page_costs.measure(user, BUDGETS):
            self.stdout.write(_line(budget, cost))
            excessive += bool(cost and cost.excess(budget))
        if excessive:
            said = ngettext(
                "%(count)d page exceeds its budget.", "%(count)d pages exceed their budgets.", excessive
            )
            self.stdout.write("\n" + said % {"count": excessive})
            sys.exit(1)
        self.stdout.write("\nEvery page is within its budget.")


def _line(budget: Budget, cost: Cost | None) -> str:
    if cost is None:
        return f"{budget.name:28} not available to this user"
    figures = [f"{getattr(cost, name)} / {getattr(budget, name)}" for name in cost._fields]
    excess = cost.excess(budget)
    return _LINE.format(budget.name, *figures, f"OVER BUDGET: {', '.join(excess)}" if excess else "").rstrip()
