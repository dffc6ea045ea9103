"""The Kibana dashboard can be imported, shows the documented charts, and uses only fields that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from web.counts import Counts

SHOWN = Path(settings.BASE_DIR) / "docs/apm-dashboard.ndjson"

# Elastic's fields of a transaction, and their source in the agent's event.
OF_THE_AGENT = {
    "@timestamp": "timestamp",
    "transaction.name": "name",
    "transaction.type": "type",
    "transaction.duration.us": "duration",
    "transaction.representative_count": "sample_rate",
}
# Elastic's fields of each event, by the event's kind and its metadata.
OF_EVERY_EVENT = {"processor.event", "service.name"}
OF_OUR_METRICS = {"asusu.outbox.oldest_seconds", "asusu.tasks.waiting"}


def saved_objects() -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in SHOWN.read_text().splitlines()]
    assert lines.pop()["exportedCount"] == len(lines)
    return lines


def panels() -> list[dict[str, Any]]:
    """Return the definition of each visualization."""
    charts = [one for one in saved_objects() if one["type"] == "visualization"]
    return [json.loads(chart["attributes"]["visState"])["params"] for chart in charts]


def fields() -> Iterator[str]:
    """Yield each Elastic field in the dashboard's figures or filters."""
    for panel in panels():
        yield panel["time_field"]
        yield from [panel["pivot_id"]] if "pivot_id" in panel else []
        metrics = [metric for series in panel["series"] for metric in series["metrics"]]
        yield from (metric["field"] for metric in metrics if metric["type"] != "math")
    # Filters, nested as JSON within JSON.
    yield from re.findall(r"([\w.]+\.[\w.]+) : ", SHOWN.read_text())


def test_the_dashboard_shows_each_of_its_panels() -> None:
    objects = {one["id"]: one for one in saved_objects()}
    dashboard = objects.pop("asusu")
    assert {reference["id"] for reference in dashboard["references"]} == set(objects)
    shown = {
        f"{panel['panelIndex']}:{panel['panelRefName']}"
        for panel in json.loads(dashboard["attributes"]["panelsJSON"])
    }
    assert shown == {reference["name"] for reference in dashboard["references"]}


def test_the_dashboard_shows_the_five_figures() -> None:
    titles = " ".join(one["attributes"]["title"] for one in saved_objects())
    for word in ("p50 and p95", "a minute", "Queries per route", "hit rate", "waits"):
        assert word in titles


def test_every_field_it_names_is_sent() -> None:
    of_labels = {f"numeric_labels.{name}" for name in Counts().labels()}
    sent = OF_THE_AGENT.keys() | OF_EVERY_EVENT | OF_OUR_METRICS | of_labels
    named = set(fields())
    assert {"service.name", "transaction.duration.us", "asusu.tasks.waiting"} <= named
    assert named <= sent, named - sent


def test_figures_made_of_others_find_them() -> None:
    for series in (series for panel in panels() for series in panel["series"]):
        ids = {metric["id"] for metric in series["metrics"]}
        for metric in series["metrics"]:
            for variable in metric.get("variables", []):
                assert variable["field"] in ids
                assert f"params.{variable['name']}" in metric["script"]
