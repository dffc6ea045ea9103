"""`manage.py reset_second_step EMAIL`: for a user who has lost their phone and their recovery codes."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import ngettext

from savings import users
from savings.models import User


class Command(BaseCommand):
    help = "Removes a user's authenticator app, passkeys and recovery codes, ends all sessions and mails the user."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("email", help="the user's email address")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError(f"No user has the email address {email}.")
        removed = users.remove_second_steps(user.pk)
        steps = ngettext("second step", "second steps", removed)
        self.stdout.write(
            f"Removed {removed} {steps} of {user.email} and ended all sessions. The user gets a mail."
        )
        if user.is_privileged:
            self.stdout.write("The admin stays closed until they set up a new one at their next sign-in.")
