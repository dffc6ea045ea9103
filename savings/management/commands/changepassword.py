"""`manage.py changepassword EMAIL`: Django's command, which also mails the user and ends their sessions."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import changepassword

from savings import users
from savings.models import User


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str:
        output = str(super().handle(*args, **options))
        users.record_password_set(User.objects.get(email=options["username"]))
        return output
