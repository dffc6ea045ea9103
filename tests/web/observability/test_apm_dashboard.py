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
# What Kibana's own schemas know, of release 8.8 on: the attributes of a dashboard
# (dashboard_saved_object/schema/v1/v1.ts, which forbids others) and of a visualization, a panel of the dashboard, and
# the model of a TSVB chart (vis_types/timeseries/common/types/panel_model.ts). Only the names that this dashboard may
# use, with their types.
SCHEMAS: dict[str, dict[str, Any]] = {
    "dashboard": {
        "title": str,
        "description": str,
        "kibanaSavedObjectMeta": dict,
        "timeRestore": bool,
        "timeFrom": str,
        "timeTo": str,
        "refreshInterval": dict,
        "controlGroupInput": dict,
        "panelsJSON": str,
        "optionsJSON": str,
        "hits": int,
        "version": int,
    },
    "visualization": {
        "title": str,
        "description": str,
        "version": int,
        "visState": str,
        "uiStateJSON": str,
        "kibanaSavedObjectMeta": dict,
        "savedSearchRefName": str,
    },
    "panel": {
        "version": str,
        "type": str,
        "gridData": dict,
        "panelIndex": str,
        "embeddableConfig": dict,
        "panelRefName": str,
        "title": str,
    },
    "grid": {"x": int, "y": int, "w": int, "h": int, "i": str},
    "options": dict.fromkeys(
        ("useMargins", "syncColors", "syncCursor", "syncTooltips", "hidePanelTitles"), bool
    ),
    "refresh": {"pause": bool, "value": int},
    "chart": {
        **dict.fromkeys(("id", "type", "interval", "time_field", "time_range_mode", "index_pattern"), str),
        **dict.fromkeys(("axis_formatter", "axis_position", "axis_scale", "axis_min", "axis_max"), str),
        **dict.fromkeys(("tooltip_mode", "pivot_id", "pivot_label", "pivot_rows", "pivot_type"), str),
        **dict.fromkeys(("drop_last_bucket", "show_grid", "show_legend"), int),
        **dict.fromkeys(("truncate_legend", "max_lines_legend"), int),
        **dict.fromkeys(("isModelInvalid", "use_kibana_indexes"), bool),
        "filter": dict,
        "series": list,
    },
    "series": {
        **dict.fromkeys(("id", "label", "axis_position", "chart_type", "color", "formatter"), str),
        **dict.fromkeys(("split_mode", "stacked", "value_template"), str),
        **dict.fromkeys(("line_width", "point_size", "separate_axis"), int),
        "fill": int | float,
        "filter": dict,
        "metrics": list,
        "palette": dict,
    },
    "metric": {
        **dict.fromkeys(("id", "type", "field", "script"), str),
        "percentiles": list,
        "variables": list,
    },
    "query": {"query": str, "language": str},
}
CHART_TYPES = {"table", "gauge", "markdown", "top_n", "timeseries", "metric"}
METRIC_TYPES = {"avg", "count", "max", "min", "sum", "cardinality", "percentile", "math"}
# The columns of a dashboard's grid.
COLUMNS = 48
OF_OUR_METRICS = {"asusu.outbox.oldest_seconds", "asusu.tasks.waiting"}


def check(found: dict[str, Any], schema: str) -> None:
    """Fail for a name that Kibana does not know, and for a value of another type."""
    known = SCHEMAS[schema]
    for name, value in found.items():
        assert name in known, f"Kibana knows no {name} of a {schema}"
        # To Python, True is a number.
        is_right = isinstance(value, known[name]) and (known[name] is bool or not isinstance(value, bool))
        assert is_right, f"{name} of a {schema}: {value!r}"


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


def test_each_object_is_one_that_kibana_imports() -> None:
    objects = saved_objects()
    assert len({one["id"] for one in objects}) == len(objects)
    for one in objects:
        assert set(one) == {
            "type", "id", "attributes", "references", "coreMigrationVersion", "typeMigrationVersion"
        }  # fmt: skip
        attributes = one["attributes"]
        check(attributes, one["type"])
        source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
        check(source["query"], "query")
        assert source["filter"] == []
        for reference in one["references"]:
            assert set(reference) == {"name", "type", "id"}
    closing = json.loads(SHOWN.read_text().splitlines()[-1])
    assert (closing["missingRefCount"], closing["missingReferences"]) == (0, [])


def test_the_panels_are_inside_the_grid_and_cover_each_other_nowhere() -> None:
    (dashboard,) = [one["attributes"] for one in saved_objects() if one["type"] == "dashboard"]
    check(json.loads(dashboard["optionsJSON"]), "options")
    check(dashboard["refreshInterval"], "refresh")
    covered: set[tuple[int, int]] = set()
    for panel in json.loads(dashboard["panelsJSON"]):
        check(panel, "panel")
        grid = panel["gridData"]
        check(grid, "grid")
        assert grid["i"] == panel["panelIndex"]
        cells = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & covered
        assert max(x for x, _ in cells) < COLUMNS
        covered |= cells


def test_each_chart_is_one_that_kibana_draws() -> None:
    charts = [one["attributes"] for one in saved_objects() if one["type"] == "visualization"]
    for chart in charts:
        state = json.loads(chart["visState"])
        assert (state["title"], state["type"], state["aggs"]) == (chart["title"], "metrics", [])
        panel = state["params"]
        check(panel, "chart")
        check(panel["filter"], "query")
        assert panel["type"] in CHART_TYPES
        ids = [series["id"] for series in panel["series"]]
        for series in panel["series"]:
            check(series, "series")
            ids += [metric["id"] for metric in series["metrics"]]
            for metric in series["metrics"]:
                check(metric, "metric")
                assert metric["type"] in METRIC_TYPES
        assert len(set(ids)) == len(ids)
        # What a table is sorted by is in the state of the page, and not in the chart.
        sort = json.loads(chart["uiStateJSON"]).get("table", {}).get("sort")
        assert sort is None or (sort["column"] in ids and sort["order"] in {"asc", "desc"})
