"""`manage.py post_missed_interest`: pay the interest that was recorded before interest could be posted."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import ngettext

from savings import money, plans


class Command(BaseCommand):
    """Post missed interest once, with a mail to each owner. Running it again finds nothing left to do."""

    help = "Posts the interest that earlier releases recorded and did not pay. Safe to run twice."

    def handle(self, *args: Any, **options: Any) -> None:
        done = plans.post_missed_interest(timezone.localdate())
        for one in done:
            place = "to the stash" if one.to_stash else "into the plan"
            gross, tax = money.naira(one.posting.gross_kobo), money.naira(one.posting.tax_kobo)
            self.stdout.write(f"Plan {one.plan.pk}: {gross} {place}, tax {tax}")
        gross = money.naira(sum(one.posting.gross_kobo for one in done))
        tax = money.naira(sum(one.posting.tax_kobo for one in done))
        owners = len({one.plan.user_id for one in done})
        postings = f"{len(done):,} {ngettext('posting', 'postings', len(done))}"
        savers = f"{owners:,} {ngettext('saver', 'savers', owners)}"
        self.stdout.write(f"{postings} for {savers}: {gross} interest, {tax} tax.")
