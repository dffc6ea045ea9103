"""deploy/systemd/: systemd accepts each unit, little is open to it, and its command exists with these arguments."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from granian.cli import cli

from tests.test_conventions import ROOT

UNITS = ROOT / "deploy/systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
# Of 100, in steps of systemd's exposure level 0.1: the site needs the network and its own folder.
MOST_EXPOSED = 14


@pytest.fixture
def systemd() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd is not installed")
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A copy of the units whose programs are those of this checkout."""
    shutil.copytree(UNITS, tmp_path / "units")
    for path in (tmp_path / "units").rglob("*.*"):
        if path.is_file():
            here = path.read_text().replace("/opt/asusu/.venv/bin", str(Path(sys.executable).parent))
            path.write_text(here.replace("/opt/asusu", str(ROOT)))
    return tmp_path / "units"


def commands(text: str) -> list[list[str]]:
    """Return the words of each ExecStart line."""
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.split(line.partition("=")[2]) for line in lines if line.startswith("ExecStart=")]


def check_command(words: list[str]) -> None:
    """Raise an error unless the program exists and takes these arguments. A command of manage.py is not run."""
    program, *arguments = words
    if Path(program).name == "granian":
        cli.make_context("granian", arguments, resilient_parsing=False)
        return
    assert arguments[0] == "manage.py"
    name, *options = arguments[1:]
    assert name in get_commands(), name
    owner = get_commands()[name]
    command = load_command_class(owner, name) if isinstance(owner, str) else owner
    command.create_parser("manage.py", name).parse_args(options)


def test_systemd_accepts_every_unit(systemd: str, installed: Path) -> None:
    units = [str(path) for path in installed.iterdir() if path.is_file()]
    environment = os.environ | {"SYSTEMD_LOG_LEVEL": "notice"}
    found = subprocess.run(
        [systemd, "verify", "--man=no", *units], capture_output=True, text=True, check=False, env=environment
    )
    ours = [line for line in (found.stdout + found.stderr).splitlines() if "asusu" in line]
    assert (ours, found.returncode) == ([], 0)


@pytest.mark.parametrize("name", SERVICES)
def test_little_is_open_to_a_service(systemd: str, installed: Path, name: str) -> None:
    words = [systemd, "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}"]
    found = subprocess.run([*words, str(installed / name)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_the_command_of_a_service_exists(name: str) -> None:
    started = commands((UNITS / name).read_text())
    assert started
    for words in started:
        check_command(words)


def test_a_wrong_argument_is_found() -> None:
    with pytest.raises(click.UsageError):
        check_command(["/opt/asusu/.venv/bin/granian", "--respawn-failed-worker", "web.wsgi:application"])


def test_every_service_has_the_common_lines() -> None:
    """systemd reads asusu-.service.d/ for all but asusu.service, whose folder has a link."""
    assert (UNITS / "asusu.service.d/common.conf").resolve() == UNITS / "asusu-.service.d/common.conf"
    assert all(name == "asusu.service" or name.startswith("asusu-") for name in SERVICES)


@pytest.mark.parametrize("timer", sorted(path.stem for path in UNITS.glob("*.timer")))
def test_a_timer_starts_a_service_of_ours(timer: str) -> None:
    assert f"{timer}.service" in SERVICES


def test_the_worker_is_stopped_by_the_signal_that_lets_it_finish() -> None:
    unit = (UNITS / "asusu-worker.service").read_text()
    (signal,) = re.findall(r"^KillSignal=SIG(\w+)$", unit, re.MULTILINE)
    assert signal == settings.HUEY["consumer"]["graceful_signal"]
