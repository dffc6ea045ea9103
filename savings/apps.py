"""The Django app of the business rules."""

from django.apps import AppConfig


class SavingsConfig(AppConfig):
    name = "savings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Connects the tasks to the signals of the outbox and the leaderboards.
        from savings import tasks  # noqa: F401, PLC0415
