"""Runs the whole site for development: Redis, database, demo data, server, worker and payment simulator."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.urls import reverse

from savings import demo
from savings.models import User
from web.dev import apm as local_apm
from web.dev import embedded_redis
from web.dev.processes import Died, Processes, Stopped

# Where savers of the demo get help.
_CONTACT = "help@example.com"


class Command(BaseCommand):
    help = "Serves Asusu for development with everything it needs. Ctrl-C stops everything."
    # The server runs the checks itself, and again after each change.
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--without-demo", action="store_true", help="leave an empty database empty")
        parser.add_argument(
            "--follow-parent", action="store_true", help="stop when the calling process stops, as make needs"
        )
        parser.add_argument(
            "--apm", action="store_true", help="show what each request and task cost, on PORT + 2"
        )

    def handle(self, *args: Any, without_demo: bool, follow_parent: bool, apm: bool, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "This is for development only: set DEBUG=1. For a server, see docs/deployment.md."
            )
        self._viewer_port = settings.PORT + 2 if apm else None
        _refuse_taken_ports(self._viewer_port)
        processes = Processes(follow_parent=follow_parent)
        redis = None
        try:
            if not os.environ.get("REDIS_URL"):
                redis = embedded_redis.start(settings.VAR_DIR / f"redis-{settings.PORT}.sock")
                self._say(redis.notice)
            self._serve(processes, redis, without_demo=without_demo)
        except Stopped:
            self._say("\nStopping everything …")
        except Died as death:
            raise CommandError(f"{death} Everything else was stopped too.") from None
        finally:
            processes.stop()
            if redis:
                redis.stop()

    def _serve(
        self, processes: Processes, redis: embedded_redis.EmbeddedRedis | None, *, without_demo: bool
    ) -> None:
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "DJANGO_RUNSERVER_HIDE_WARNING": "true"}
        if redis:
            environment["REDIS_URL"] = redis.url
        if not settings.OPERATOR.contact:
            # Help, receipts and mails then show what they show on a site that people can ask.
            environment["OPERATOR_CONTACT"] = _CONTACT
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        self._say("Updating the database …")
        call_command("migrate", verbosity=0, interactive=False)
        if not without_demo and not User.objects.exists():
            self._say("Creating a year and a half of demo data, once …")
            processes.start("demo", [*manage, "demo"], environment)
            processes.finish("demo")
        connections.close_all()
        traced = environment
        if self._viewer_port:
            processes.start(
                "viewer of traces", [*manage, "apm", "--port", str(self._viewer_port)], environment
            )
            traced = environment | local_apm.variables(_viewer_url(self._viewer_port))
        server = ["runserver", f"127.0.0.1:{settings.PORT}"]
        processes.start("server", [*manage, *server], traced)
        processes.start("worker", [*manage, "run_huey"], traced)
        if settings.USES_SIMULATOR:
            processes.start("payment simulator", [*manage, "simulator"], environment)
        _wait_for_the_site(processes)
        self._greet()
        while True:
            processes.pause()
            processes.check_alive()
            if redis and not redis.is_running():
                raise Died("The embedded Redis stopped.")

    def _greet(self) -> None:
        lines = ["", f"  Asusu is at {settings.SITE_URL}"]
        if demo.is_there():
            lines += [
                f"  Sign in as   {'  '.join(saver.email for saver in demo.SAVERS)}",
                f"  or as staff  {'  '.join(demo.STAFF)}",
                f"  Password     {demo.PASSWORD}",
                "  Staff's code .venv/bin/python manage.py demo_code",
            ]
        if settings.SHOWS_MAILBOX:
            lines += [f"  The test inbox is at {settings.SITE_URL}{reverse('messages:mailbox')}"]
        lines += [f"  The lab is at {settings.SITE_URL}{reverse('lab:home')}"]
        if self._viewer_port:
            lines += [f"  The viewer of traces is at {_viewer_url(self._viewer_port)}"]
        connections.close_all()
        self._say("\n".join([*lines, "  Ctrl-C stops everything.", ""]))

    def _say(self, text: str) -> None:
        """Write and flush, so that the output of the other processes does not come first."""
        if text:
            self.stdout.write(text)
            self.stdout.flush()


def _viewer_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _refuse_taken_ports(viewer_port: int | None) -> None:
    addresses = {"the site": ("127.0.0.1", settings.PORT)}
    if viewer_port:
        addresses["the viewer of traces"] = ("127.0.0.1", viewer_port)
    if settings.USES_SIMULATOR:
        simulator = urlsplit(settings.SIMULATOR_URL)
        addresses["the payment simulator"] = (simulator.hostname or "127.0.0.1", simulator.port or 80)
    for user, (host, port) in addresses.items():
        with socket.socket() as probe:
            # As the servers do, so that a connection that was just closed does not block the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    f"Port {port} for {user} is not available ({error.strerror}). "
                    f"Try other ports: PORT={settings.PORT + 10} make run"
                ) from None


def _wait_for_the_site(processes: Processes) -> None:
    """Wait until the server answers."""
    while True:
        processes.check_alive()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{settings.PORT}/healthz/", timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            processes.pause()
