"""`manage.py recover_payments`: book what happened at the provider after the backup that was restored."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from savings import backoffice, payments
from savings.exceptions import ProviderRefused, ProviderUnavailable


class Command(BaseCommand):
    help = (
        "Run this after a restore, before the worker and the site start. It asks the provider for the payments,"
        " withdrawals and refunds since the newest transaction of this database, and books those that got lost. A"
        " second run books nothing twice."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            type=_moment,
            metavar="MOMENT",
            help="such as 2026-11-30T02:00, in the site's time zone",
        )

    def handle(self, *args: Any, since: datetime.datetime | None, **options: Any) -> None:
        since = since or payments.last_known_moment()
        try:
            done = backoffice.recover_lost(since)
            compared = payments.reconcile()
        except (ProviderUnavailable, ProviderRefused) as error:
            raise CommandError(
                f"The provider did not answer: {error}. Do not start the worker before `manage.py recover_payments` has"
                " run: it would pay out what is paid already."
            ) from error
        self.stdout.write(
            f"Since {timezone.localtime(since):%Y-%m-%d %H:%M} at the provider: {done.payments:,} payments and"
            f" {done.payouts:,} withdrawals booked, {done.in_suspense:,} payments in suspense, {done.refunds:,} refunds"
            " left to staff."
        )
        for lost in done.unbooked:
            self.stdout.write(
                f"Withdrawal {lost.transfer.reference} cannot be booked: {lost.why} There is a case for it."
            )
        for one in compared:
            if one.difference_kobo:
                self.stdout.write(
                    f"The books have {one.ours_kobo / 100:,.2f} in the {one.account}, and the provider"
                    f" {one.theirs_kobo / 100:,.2f} ({one.figure}). Settlements, refunds and disputes that the worker"
                    " has not booked yet explain that: see `manage.py reconcile` an hour after it has started."
                )
        if done.unclear:
            raise CommandError(
                f"Everything else is done. The provider gave no clear answer about {', '.join(done.unclear)}. Run"
                " `manage.py recover_payments` again before the worker starts. If that does not help, look them up in"
                " the provider's dashboard."
            )


def _moment(text: str) -> datetime.datetime:
    moment = parse_datetime(text)
    if moment is None:
        raise argparse.ArgumentTypeError(f"{text} is not a moment such as 2026-11-30T02:00")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
