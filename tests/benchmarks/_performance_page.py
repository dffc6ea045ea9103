"""The table of benchmarks in docs/performance.md: the figures of the last run of each benchmark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

BEGIN, END = "<!-- figures: written by `make bench` -->", "<!-- end of the figures -->"


def write(files: Iterable[Path]) -> None:
    """Write the figures of those JSON files, as far as they exist, between the two marks of docs/performance.md."""
    runs = [json.loads(file.read_text()) for file in files if file.exists()]
    page = settings.BASE_DIR / "docs" / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text("\n".join([before + BEGIN, "", *_table(runs), "", END]) + after)


def _table(runs: list[dict[str, Any]]) -> Iterator[str]:
    yield "| Benchmark | What | Measured | Bar | |"
    yield "|---|---|---|---|---|"
    for run in runs:
        # A figure without a bar depends on the machine only.
        for figure in (figure for figure in run["figures"] if figure["bar"]):
            bar = figure["bar"].replace("<=", "≤").replace(">=", "≥")
            measured = f"{figure['value']:,.4g} {figure['unit']}".strip()
            verdict = "holds" if figure["holds"] else "**fails**"
            yield f"| `{run['name']}` | {figure['what']} | {measured} | {bar} | {verdict} |"
    machines = sorted({run["machine"] for run in runs})
    days = sorted({run["at"][:10] for run in runs})
    yield ""
    yield f"Measured on {', '.join(days)}: {'; '.join(machines)}."
