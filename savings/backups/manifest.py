"""The manifest of a backup: what made it, the facts of its snapshot, and the hash of each of its files."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from pathlib import Path
from typing import Any

from django.conf import settings

from savings import statements
from savings.backups.facts import Facts
from savings.backups.failures import RestoreRefused

NAME = "manifest.json"
STATEMENTS = "statements"
# Raised when an older release could misread the manifest.
_FORMAT = 1
_TIME = "%Y-%m-%dT%H-%M-%SZ"
_FOLDER = re.compile(r"asusu-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a backup says about itself."""

    made_at: datetime.datetime
    # `ASUSU_RELEASE` of the installation, which may be empty.
    release: str
    # The settings on which all amounts and days depend.
    currency: str
    time_zone: str
    # The vendor, as Django names it, and the major version of the server.
    database: str
    server_version: int
    facts: Facts
    # By the path in the folder: `sha256` in hexadecimal, and `size_bytes`.
    files: dict[str, dict[str, Any]]
    # Files of statements that rows name and the storage no longer had.
    missing_files: list[str]

    def write(self, folder: Path) -> None:
        """Write the manifest into the folder of its backup."""
        said = dataclasses.asdict(self) | {"format": _FORMAT, "made_at": self.made_at.isoformat()}
        (folder / NAME).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n")


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises RestoreRefused for a folder without one, and for an unknown format."""
    path = folder / NAME
    try:
        said = json.loads(path.read_text())
        number = said.pop("format")
        if number != _FORMAT:
            raise RestoreRefused(f"{path} has format {number}, and this release reads {_FORMAT}.")
        facts = Facts(**said.pop("facts"))
        return Manifest(made_at=datetime.datetime.fromisoformat(said.pop("made_at")), facts=facts, **said)
    except OSError as error:
        raise RestoreRefused(f"{folder} is not a complete backup: {error.strerror}: {NAME}.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RestoreRefused(f"{path} cannot be read: {error!r}.") from error


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the hash and the size of each file in a folder, without the manifest."""
    return {
        str(path.relative_to(folder)): {
            "sha256": statements.sha256(path),
            "size_bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME
    }


def wrong_files(folder: Path, manifest: Manifest) -> list[str]:
    """Return the files of a backup that are missing or not as they were written."""
    found = describe_files(folder)
    return [name for name, file in manifest.files.items() if found.get(name) != file]


def new_folder_name(at: datetime.datetime) -> str:
    """Return the name of the folder of a backup that is made at a moment."""
    return f"asusu-{at.astimezone(datetime.UTC).strftime(_TIME)}"


def complete_backups(folder: Path) -> list[Path]:
    """Return the folders of the complete backups in a folder, the oldest first."""
    return sorted(path for path in folder.iterdir() if _FOLDER.fullmatch(path.name) and path.is_dir())


def current_settings() -> dict[str, str]:
    """Return the settings that a backup records and a restore compares."""
    return {"currency": settings.CURRENCY, "time_zone": settings.TIME_ZONE}
