"""`manage.py change_email EMAIL NEW`: change an email address that no staff can change, like the only superuser's."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from savings import users
from savings.exceptions import Refused
from savings.models import User


class Command(BaseCommand):
    help = "Mails a confirmation link to the new email address. Nothing changes until it is confirmed."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("email", help="the user's current email address")
        parser.add_argument("new_email", help="the new email address")

    def handle(self, *args: Any, email: str, new_email: str, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError(f"No user has the email address {email}.")
        try:
            change = users.propose_email(user.pk, new_email)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(
            f"Sent a link to {change.new_email}. The email address changes once it is confirmed there."
        )
