"""`manage.py post_missed_interest`: pay the interest that was recorded before interest could be posted."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from savings import money, plans


class Command(BaseCommand):
    """Post missed interest once, with a mail to each owner. Running it again finds nothing left to do."""

    help = "Pay the interest of plans from before interest could be posted. Safe to run twice."

    def handle(self, *args: Any, **options: Any) -> None:
        done = plans.post_missed_interest(timezone.localdate())
        for one in done:
            place = "to the stash" if one.to_stash else "into the plan"
            gross, tax = money.naira(one.posting.gross_kobo), money.naira(one.posting.tax_kobo)
            self.stdout.write(f"Plan {one.plan.pk}: {gross} {place}, tax {tax}")
        gross = money.naira(sum(one.posting.gross_kobo for one in done))
        tax = money.naira(sum(one.posting.tax_kobo for one in done))
        owners = len({one.plan.user_id for one in done})
        self.stdout.write(f"{len(done)} postings for {owners} savers: {gross} interest, {tax} tax.")
