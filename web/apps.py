"""Registers the HTTP side of Asusu with Django."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps


class WebConfig(AppConfig):
    name = "web"
    default = True

    def ready(self) -> None:
        # Connect the signal handlers for sign-ins, confirmed email addresses and changed credentials.
        import_module("web.auth.sign_in")
        import_module("web.auth.consequences")
        # Limits the time a request waits for the database, and prepares each connection to it.
        import_module("web.middleware.database")
        # Counts the queries of every connection, so it is imported before the first one.
        import_module("web.observability.request_costs")
        if settings.USES_APM:
            import_module("web.observability.telemetry").start()
        # Registers the system checks.
        import_module("web.checks")


class StaffAdminConfig(admin_apps.AdminConfig):
    """Django's admin, whose site is ours."""

    default = False
    default_site = "web.staff_site.StaffSite"
