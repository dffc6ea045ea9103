"""Registers the money side of Asusu with Django."""

from django.apps import AppConfig


class SavingsConfig(AppConfig):
    name = "savings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The outbox tells whoever runs the tasks of each new row.
        from savings import tasks  # noqa: F401, PLC0415
