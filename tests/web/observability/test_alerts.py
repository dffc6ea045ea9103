"""The example alerts are valid PromQL about metrics that exist. docs/monitoring.md explains metrics and findings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from django.conf import settings as site
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from savings import backoffice, jobs
from savings.models import CoverageDay, JobRun, LedgerProof
from tests.factories import make_user

ROOT = Path(site.BASE_DIR)
RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
CONFIG = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
PAGE = (ROOT / "docs/monitoring.md").read_text()
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
# What Prometheus itself adds.
ITS_OWN, ITS_LABELS = {"up"}, {"job", "instance"}
TOKEN = "for-tests-" + "x" * 30

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(settings: Settings, counted: None) -> dict[str, set[str]]:
    """The labels of each series on /metrics, once everything has happened that is shown."""
    settings.METRICS_TOKEN = TOKEN
    now = timezone.now()
    CoverageDay.objects.create(
        day_on=timezone.localdate(), as_of=now, owed_kobo=1, held_kobo=1, owed=[], held=[]
    )
    LedgerProof.objects.create(command="check_ledger", ended_at=now)
    for name in ("sweep_outbox", jobs.BACKUP):
        JobRun.objects.create(job=name, started_at=now, ended_at=now)
    backoffice.count_money_days(now)
    client = Client()
    client.force_login(make_user())
    for _ in range(2):
        client.get("/dashboard/")
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def selectors(expression: Any) -> list[Any]:
    found: list[Any] = []
    promql_parser.walk(
        expression,
        lambda node: found.append(node) if isinstance(node, promql_parser.VectorSelector) else None,
    )
    return found


def test_every_alert_has_what_an_alert_needs() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names) >= 15
    for rule in ALERTS:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"\d+[mhd]", rule["for"]), rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "action"}, rule["alert"]
        for text in rule["annotations"].values():
            assert text.endswith("."), text
        assert f"`{rule['alert']}`" in PAGE, f"docs/monitoring.md lacks {rule['alert']}"


def test_every_metric_of_an_alert_is_shown(shown: dict[str, set[str]]) -> None:
    for rule in ALERTS:
        for selector in selectors(promql_parser.parse(rule["expr"])):
            known = ITS_LABELS | shown.get(selector.name, set())
            assert selector.name in shown or selector.name in ITS_OWN, rule["alert"]
            assert {matcher.name for matcher in selector.matchers.matchers} <= known, rule["alert"]
        # Annotations and groupings use the labels of what they are about.
        labels = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        labels |= {
            name.strip()
            for group in re.findall(r"by \(([\w, ]+)\)", rule["expr"])
            for name in group.split(",")
        }
        about = {
            label
            for selector in selectors(promql_parser.parse(rule["expr"]))
            for label in shown.get(selector.name, set())
        }
        assert labels <= about | ITS_LABELS, rule["alert"]


def test_prometheus_reads_the_page_that_there_is() -> None:
    (job,) = CONFIG["scrape_configs"]
    assert job["job_name"] == "asusu"
    assert job["metrics_path"] == "/metrics"
    assert CONFIG["rule_files"] == ["alerts.yml"]


def test_the_documentation_explains_each_metric(shown: dict[str, set[str]]) -> None:
    names = {re.sub("_(bucket|sum|count)$", "", name) for name in shown}
    documented = set(re.findall(r"`(asusu_\w+)`", PAGE))
    assert documented == names


def test_the_documentation_explains_each_finding() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "web/doctor").glob("*.py"))
    checks = set(re.findall(r'Finding\(\s*"([a-z-]+)"', sources))
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE))
    assert documented == checks
