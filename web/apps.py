"""Registers the HTTP side of Asusu with Django."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "web"

    def ready(self) -> None:
        # Connects what follows a proven address and a new password.
        from web import accounts  # noqa: F401, PLC0415
