"""The table of the README: what the benchmarks found when they were last run, all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

BEGIN, END = "<!-- figures: written by `make bench` -->", "<!-- end of the figures -->"


def write(files: Iterable[Path]) -> None:
    """Put the figures of those files, as far as they are there, between the two marks of the README."""
    runs = [json.loads(file.read_text()) for file in files if file.exists()]
    readme = settings.BASE_DIR / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text("\n".join([before + BEGIN, "", *_table(runs), "", END]) + after)


def _table(runs: list[dict[str, Any]]) -> Iterator[str]:
    yield "| Benchmark | What | Measured | Bar | |"
    yield "|---|---|---|---|---|"
    for run in runs:
        # What has no bar depends on the machine alone.
        for figure in (figure for figure in run["figures"] if figure["bar"]):
            bar = figure["bar"].replace("<=", "≤").replace(">=", "≥")
            measured = f"{figure['value']:,.4g} {figure['unit']}".strip()
            verdict = "holds" if figure["holds"] else "**fails**"
            yield f"| `{run['name']}` | {figure['what']} | {measured} | {bar} | {verdict} |"
    machines = sorted({run["machine"] for run in runs})
    days = sorted({run["at"][:10] for run in runs})
    yield ""
    yield f"Measured on {', '.join(days)}: {'; '.join(machines)}."
