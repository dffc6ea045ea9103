"""deploy/Dockerfile and deploy/compose.yaml, as far as they can be checked without a container engine.

compose-spec.json is the schema of https://github.com/compose-spec/compose-spec (Apache 2.0), commit 170098ba.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # its types are another package
import pytest
import yaml

from tests.deploy.test_units import check_command
from tests.test_conventions import ROOT, tracked

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# With a branch at least: redis:8.0-bookworm, and never redis:latest.
PINNED = re.compile(r"(python|nginx|postgres|redis):\d+(\.\d+)*(-\w+)*")


def names_in(path: Path) -> set[str]:
    """Return the settings that a file of them names, also those that are commented out."""
    return set(re.findall(r"^(?:# )?([A-Z][A-Z_0-9]+)=", path.read_text(), re.MULTILINE))


def test_compose_follows_its_schema() -> None:
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


def test_each_service_that_is_needed_is_there() -> None:
    assert {*SERVICES} == {"postgres", "redis", "migrate", "site", "worker", "nginx"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_ours_or_official_and_names_its_version(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        assert f"AS {service['build']['target']}\n" in DOCKERFILE
    else:
        assert PINNED.fullmatch(service["image"])


@pytest.mark.parametrize("image", re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
def test_an_image_that_ours_begins_with_names_its_version(image: str) -> None:
    assert PINNED.fullmatch(image)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_it_needs(name: str) -> None:
    """A condition on health needs a health check: of the service, or of its image."""
    for other, how in SERVICES[name].get("depends_on", {}).items():
        check = SERVICES[other].get("healthcheck", {})
        if how["condition"] == "service_healthy":
            assert check.get("test") or ("build" in SERVICES[other] and not check.get("disable"))
        else:
            assert (how["condition"], SERVICES[other]["restart"]) == ("service_completed_successfully", "no")


def test_the_settings_exist() -> None:
    known = names_in(ROOT / ".env.example")
    assert names_in(DEPLOY / "env.example") <= known
    assert {*SERVICES["site"]["environment"]} <= known
    assert set(re.findall(r"\b([A-Z][A-Z_]+)=", DOCKERFILE)) <= known | {
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
    }


def test_the_files_that_are_mounted_exist() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    for volume in mounted:
        source = volume.split(":")[0]
        assert source in COMPOSE["volumes"] or source.startswith("/") or (DEPLOY / source).is_file(), volume


def test_the_commands_of_the_containers_exist() -> None:
    (started,) = re.findall(r"^CMD (\[.*?\])$", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)
    check_command(json.loads(started))
    for service in ("migrate", "worker"):
        check_command(SERVICES[service]["command"])


def test_hadolint_finds_nothing() -> None:
    program = Path(sys.executable).with_name("hadolint")
    words = [str(program), "--no-color", str(DEPLOY / "Dockerfile")]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (found.stdout, found.returncode) == ("", 0)


def test_the_image_gets_only_what_the_site_runs() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    let_in = [line[1:] for line in lines if line.startswith("!")]
    files = [path.relative_to(ROOT).as_posix() for path in tracked("*")]
    for name in let_in:
        assert any(file == name or file.startswith(f"{name}/") for file in files), name
    copied = re.findall(r"^COPY ((?:deploy|requirements)\S+)", DOCKERFILE, re.MULTILINE)
    assert {*copied} <= {*let_in}
    assert not any("env" in name for name in let_in)


def test_nginx_in_a_container_has_the_configuration_of_a_server(tmp_path: Path) -> None:
    """The very command of the Dockerfile, on a copy."""
    template = tmp_path / "default.conf.template"
    shutil.copy(DEPLOY / "nginx.conf", template)
    (change,) = re.findall(r"^RUN (sed .*)$", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)
    subprocess.run(
        change.replace("/etc/nginx/templates", str(tmp_path)),
        shell=True,
        check=True,
    )
    made = template.read_text()
    assert "server site:8000 " in made
    assert "/live/${SITE_HOST}/fullchain.pem" in made
    assert not re.findall(r"savings\.example|127\.0\.0\.1:|/var/log", made)
