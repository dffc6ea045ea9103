"""`manage.py statement`: write a statement of one plan, as its owner could request it."""

from __future__ import annotations

import argparse
import datetime
import shutil
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import ngettext

from savings import statements
from savings.exceptions import Refused
from savings.models import Plan, Statement
from savings.models.statements import Format


class Command(BaseCommand):
    help = "Writes a statement of a plan. Its owner gets a mail and finds the statement on their Statements page."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("plan", help="the plan's id or reference")
        day = datetime.date.fromisoformat
        parser.add_argument(
            "--since", type=day, default=statements.BEGINNING, help="the first day, such as 2026-01-31"
        )
        parser.add_argument("--until", type=day, help="the last day; today by default")
        parser.add_argument("--format", choices=Format.values, default=Format.PDF)
        parser.add_argument("--out", type=Path, metavar="FILE", help="also copy the file to this path")

    def handle(
        self,
        *args: Any,
        plan: str,
        since: datetime.date,
        until: datetime.date | None,
        out: Path | None,
        **options: Any,
    ) -> None:
        target_plan = Plan.objects.filter(**{"pk" if plan.isdecimal() else "reference": plan}).first()
        if target_plan is None:
            raise CommandError(f"No plan has the id or reference {plan}.")
        try:
            statement = statements.request(
                target_plan.user,
                scope="plan",
                plan=target_plan,
                since=since,
                until=until or timezone.localdate(),
                format=options["format"],
            )
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self._write(statement)
        if out is not None:
            with statements.open_file(statement) as source, out.open("wb") as target:
                shutil.copyfileobj(source, target)
        count = statement.rows_written
        self.stdout.write(
            f"Statement {statement.pk}: {count:,} {ngettext('row', 'rows', count)}, {statement.size_bytes:,} bytes,"
            f" code {statement.code}{f', in {out}' if out else ''}"
        )

    def _write(self, statement: Statement) -> None:
        """Write the statement here. If a worker has started it already, wait for the worker."""
        statements.write_now(statement)
        statement.refresh_from_db()
        while statement.state in {Statement.State.QUEUED, Statement.State.WRITING}:
            time.sleep(0.5)
            statement.refresh_from_db()
        if statement.state != Statement.State.READY:
            raise CommandError(
                statement.reason
                or f"The statement is not ready. Its state is: {statement.get_state_display()}."
            )
