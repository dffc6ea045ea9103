"""A chart of sums made of parts, as columns drawn on the server: inline SVG without styles or scripts, and a table."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from savings import money
from web.messages import backoffice_front as messages
from web.pages.charts import HEIGHT, WIDTH, axis_labels, axis_lines

# As many tones of one colour as admin.css has. Smaller parts share the last one, and a line parts them.
MOST_TONES = 4
_GAP = 0.3


def stacked_chart(
    columns: Sequence[tuple[datetime.date, dict[str, int]]], *, name: str, title: str
) -> SafeString | str:
    """Return a chart with a column for each day, made of the kobo of its parts, and the same as a table.

    `name` is unique on the page. Empty without a column.
    """
    if not columns:
        return ""
    parts = _parts(columns)
    rows = [(day, [sums.get(part, 0) for part in parts]) for day, sums in columns]
    lines = axis_lines([sum(amounts) for _, amounts in rows] + [0])
    top = lines[-1]
    width = WIDTH / len(rows)
    bars = []
    for place, (_, amounts) in enumerate(rows):
        below = 0
        for number, amount_kobo in enumerate(amounts, 1):
            if amount_kobo > 0:
                height = HEIGHT * amount_kobo / top
                y = HEIGHT * (top - below - amount_kobo) / top
                x = width * (place + _GAP / 2)
                bars.append((min(number, MOST_TONES), _px(x), _px(y), _px(width * (1 - _GAP)), _px(height)))
                below += amount_kobo
    return render_to_string(
        "charts/stacked.html",
        {
            "name": name,
            "title": title,
            "bars": bars,
            "grid": "".join(f"M0 {_px(HEIGHT * (top - line) / top)}H{WIDTH}" for line in lines),
            "lines": axis_labels(lines),
            "days": [date_format(day, "j M Y") for day in (rows[0][0], rows[-1][0])],
            "parts": [
                (min(number, MOST_TONES), part, _share(kobo, sum(rows[-1][1])), money.naira(kobo))
                for number, (part, kobo) in enumerate(zip(parts, rows[-1][1], strict=True), 1)
            ],
            "rows": [
                (
                    date_format(day, "j M Y"),
                    [money.naira(kobo) for kobo in amounts],
                    money.naira(sum(amounts)),
                )
                for day, amounts in reversed(rows)
            ],
        },
    )


def _parts(columns: Sequence[tuple[datetime.date, dict[str, int]]]) -> list[str]:
    """Return the names of the parts, those with the most money on the last day first."""
    latest = columns[-1][1]
    return sorted(
        {part for _, sums in columns for part in sums}, key=lambda part: (-latest.get(part, 0), part)
    )


def _share(amount_kobo: int, all_kobo: int) -> str:
    return messages.share(money.ratio_bps(amount_kobo, all_kobo)) if all_kobo else ""


def _px(length: float) -> str:
    return f"{round(length, 1):g}"
