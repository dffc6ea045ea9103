"""Registers the HTTP side of Asusu with Django."""

from importlib import import_module

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "web"

    def ready(self) -> None:
        # Connects what follows a proven address and a new password.
        import_module("web.accounts")
        # Counts the queries of every connection, so it comes before the first.
        import_module("web.counting")
        # Registers what a server must not be started with.
        import_module("web.checks")
