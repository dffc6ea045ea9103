"""The previous release, which must work on the schema of this one: the one place that names it.

After a release, set these to it: the heading in CHANGELOG.md, its commit or tag, and its last
migration of `savings`.
"""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from django.conf import settings

VERSION = "0.1.0"
COMMIT = "5809deaee4940af83b0dbbf21e33c23cebe20399"
LAST_MIGRATION = "0040_outbox_statement_links"
# The command that CHANGELOG.md asks for, once all servers and workers have this release; empty if none.
AFTERWARDS = "post_missed_interest"


def is_there() -> bool:
    """Return whether this clone has the commit. A shallow one does not: `git fetch --unshallow` brings it."""
    look = ["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"]
    return subprocess.run(look, cwd=settings.BASE_DIR, check=False, capture_output=True).returncode == 0


def unpack(folder: Path) -> Path:
    """Write the release's files to a new folder in this one, and return it."""
    release = folder / "previous-release"
    archive = subprocess.run(
        ["git", "archive", COMMIT], cwd=settings.BASE_DIR, check=True, stdout=subprocess.PIPE
    ).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(release, filter="data")
    return release
