"""Serves the local viewer of traces, for `make apm`."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from web.dev.apm.viewer import Viewer


class Command(BaseCommand):
    help = "Serves a viewer of traces on this machine alone. `make apm` starts it together with the site."
    # The viewer uses nothing of the site but its templates and style sheet.
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT + 2)

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("This is for development only: set DEBUG=1.")
        try:
            viewer = Viewer(port)
        except OSError as error:
            raise CommandError(f"The viewer cannot listen on port {port}: {error.strerror}.") from error
        # A thread, because `shutdown` waits until the loop of this one has ended.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: threading.Thread(target=viewer.shutdown).start())
        self.stdout.write(f"The viewer of traces is at {viewer.url}")
        self.stdout.write(f"Point a site at it: ELASTIC_APM_SERVER_URL={viewer.url} ELASTIC_APM_DEBUG=1")
        self.stdout.flush()
        viewer.serve_forever()
        viewer.server_close()
