"""`manage.py reconcile`: the books beside the provider's own figures, and an error if they differ."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from savings import money, payments
from savings.exceptions import ProviderRefused, ProviderUnavailable


class Command(BaseCommand):
    help = "Compares the books with the provider's own figures. Ends with an error if they differ."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = payments.reconcile()
        except (ProviderUnavailable, ProviderRefused) as error:
            raise CommandError(f"The provider gave no answer: {error}") from error
        for line in found:
            self.stdout.write(
                f"{line.account}: {money.naira(line.ours_kobo)}; provider, {line.figure}:"
                f" {money.naira(line.theirs_kobo)}; difference {money.naira(line.difference_kobo)}"
            )
        if any(line.difference_kobo for line in found):
            raise CommandError("The books and the provider differ.")
        self.stdout.write("The books and the provider agree.")
