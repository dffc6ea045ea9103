"""Charts drawn on the server as inline SVG: a balance over time, and a rank over time.

Amounts stay integer kobo until the last step; floats are pixels. Colours come from `app.css`, without inline styles.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import groupby, pairwise

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from savings import money
from savings.leaderboards import DailyRank, ordinal
from web.messages import dashboard as messages
from web.messages import leaderboards as board_messages

Point = tuple[datetime.date, int]

WIDTH, HEIGHT = 640, 240
MOST_LINES = 5
MOST_DAYS = 4
# Down to this rank, the axis always includes the first rank.
MOST_NEAR_RANK = 10
# Up to this many days the axis labels are days; above, months.
DAYS_SHOWN = 200
_UNITS = ((1_000_000_000, "b"), (1_000_000, "m"), (1_000, "k"), (1, ""))


def area_chart(
    points: Sequence[Point],
    *,
    name: str,
    title: str,
    pace: Sequence[Point] = (),
    note: str = "",
    from_zero: bool = False,
) -> SafeString:
    """Return a chart of a balance over time. `points` are dates in order with kobo, about 60 at most.

    `name` is unique on the page, because ids are derived from it. `pace` is a dotted line of planned amounts and may
    extend past the last point. `note` is one more sentence for screen readers. `from_zero` starts the axis at zero
    even where the balance hardly moves.
    """
    everything = [*points, *pace]
    if not points:
        return render_to_string("charts/nothing.html")
    first, last = min(day for day, _ in everything), max(day for day, _ in everything)
    lines = axis_lines([kobo for _, kobo in everything] + [0] * from_zero)
    spots = [_spot(point, first, last, lines) for point in points]
    curve = smooth_path(spots)
    context = {
        "name": name,
        "title": title,
        "measure": messages.BALANCE,
        "description": " ".join(filter(None, (_in_words(points), note))),
        "grid": "".join(f"M0 {_px(_y(line, lines))}H{WIDTH}" for line in lines),
        "curve": curve,
        "area": f"{curve}V{HEIGHT}H{_px(spots[0][0])}z" if len(spots) > 1 else "",
        "pace": _pace_path([_spot(point, first, last, lines) for point in pace]),
        "end": f"M{_px(spots[-1][0])} {_px(spots[-1][1])}h0",
        "lines": axis_labels(lines),
        "days": day_labels(first, last),
        "rows": [
            (_px(x), _px(y), date_format(day, "j M Y"), money.naira(kobo))
            for (day, kobo), (x, y) in zip(points, spots, strict=True)
        ],
    }
    return render_to_string("charts/area.html", context)


def rank_chart(ranks: Sequence[DailyRank], *, name: str, title: str) -> SafeString | str:
    """Return a chart of a rank over time, the first rank at the top, with gaps for days without a rank.

    Empty if there are not two days to compare.
    """
    ranked = [(day, rank) for day, rank in ranks if rank is not None]
    if len(ranked) < 2:
        return ""
    first, last = ranked[0][0], ranked[-1][0]
    top, bottom = rank_axis([rank for _, rank in ranked])

    def spot(day: datetime.date, rank: int) -> tuple[float, float]:
        return WIDTH * (day - first).days / max(1, (last - first).days), HEIGHT * (rank - top) / (
            bottom - top
        )

    runs = groupby(ranks, key=lambda daily: daily[1] is not None)
    curves = [_step_path([spot(day, rank or 0) for day, rank in run]) for has_rank, run in runs if has_rank]
    spots = [spot(*point) for point in ranked]
    context = {
        "name": name,
        "title": title,
        "measure": board_messages.RANK,
        "is_small": True,
        "description": _ranks_in_words(ranked),
        "grid": f"M0 0H{WIDTH}M0 {HEIGHT}H{WIDTH}",
        "curve": "".join(curves),
        "end": f"M{_px(spots[-1][0])} {_px(spots[-1][1])}h0",
        "lines": [ordinal(top), ordinal(bottom)],
        "days": [date_format(day, "j M") for day in (first, last)],
        "rows": [
            (_px(x), _px(y), date_format(day, "j M Y"), ordinal(rank))
            for (day, rank), (x, y) in zip(ranked, spots, strict=True)
        ],
    }
    return render_to_string("charts/area.html", context)


def rank_axis(ranks: Sequence[int]) -> tuple[int, int]:
    """Return the ranks at the top and bottom of the axis.

    The first rank is at the top, unless that would press all the movement into the lower half; then the best rank is.
    """
    best, worst = min(ranks), max(ranks)
    top = best if (worst - best) * 2 < worst - 1 and best > MOST_NEAR_RANK else 1
    return top, max(worst, top + 1)


def axis_lines(amounts_kobo: Sequence[int]) -> list[int]:
    """Return two to five round, evenly spaced amounts (kobo) in ascending order that enclose all the amounts.

    The axis starts at zero, unless that would press all the movement into the upper half; then it starts near the
    lowest amount. An amount that hardly changes is not magnified.
    """
    least, most = min(0, *amounts_kobo), max(amounts_kobo)
    lowest = min(amounts_kobo)
    if lowest * 2 >= most > 0 and (most - lowest) * 10 >= most:
        least = lowest
    if most <= least:
        most = least + 1_000 * money.KOBO_PER_NAIRA
    step = next(size for size in _round_steps() if _line_count(least, most, size) <= MOST_LINES)
    bottom = least // step * step
    return [bottom + step * place for place in range(_line_count(least, most, step))]


def axis_labels(lines: Sequence[int]) -> list[str]:
    """Return the labels of the axis lines, highest first, in the unit of the highest: `2.0m`, `1.5m`, ..., `0`."""
    naira = [line // money.KOBO_PER_NAIRA for line in lines]
    unit, letter = next((unit, letter) for unit, letter in _UNITS if max(naira) >= unit or unit == 1)
    step = naira[1] - naira[0]
    digits = next(digits for digits in range(10) if step * 10**digits % unit == 0)
    return [f"{line / unit:.{digits}f}{letter}" if line else "0" for line in reversed(naira)]


def day_labels(first: datetime.date, last: datetime.date) -> list[str]:
    """Return up to four labels, days or months, evenly spread over the period."""
    span = (last - first).days
    count = min(MOST_DAYS, span + 1)
    days = [first + datetime.timedelta(days=span * place // max(1, count - 1)) for place in range(count)]
    if span <= DAYS_SHOWN:
        return [date_format(day, "j M") for day in days]
    return [date_format(day, "M Y" if first.year != last.year else "M") for day in days]


def smooth_path(spots: Sequence[tuple[float, float]]) -> str:
    """Return an SVG path through the spots that never overshoots: a monotone cubic (Fritsch, Carlson 1980).

    A looser curve would show amounts that never existed.
    """
    path = f"M{_px(spots[0][0])} {_px(spots[0][1])}"
    if len(spots) < 2:
        return path + "h0"
    slopes = _tangents(spots)
    for place, ((x0, y0), (x1, y1)) in enumerate(pairwise(spots)):
        third = (x1 - x0) / 3
        bends = (x0 + third, y0 + slopes[place] * third, x1 - third, y1 - slopes[place + 1] * third, x1, y1)
        path += "C" + " ".join(map(_px, bends))
    return path


def _tangents(spots: Sequence[tuple[float, float]]) -> list[float]:
    """Return the slope at each spot: the harmonic mean of the adjacent slopes if both have the same sign, else 0."""
    chords = [(y1 - y0) / (x1 - x0) for (x0, y0), (x1, y1) in pairwise(spots)]
    inner = [
        2 * before * after / (before + after) if before * after > 0 else 0.0
        for before, after in pairwise(chords)
    ]
    return [chords[0], *inner, chords[-1]]


def _round_steps() -> list[int]:
    """Return the possible distances between lines, from one naira up: 1, 2, 2.5 and 5 times powers of ten."""
    steps = []
    size = money.KOBO_PER_NAIRA
    while size < 10**18:
        steps += [size, 2 * size, 5 * size // 2, 5 * size]
        size *= 10
    return steps


def _line_count(least: int, most: int, step: int) -> int:
    return -(-most // step) - least // step + 1


def _px(length: float) -> str:
    return f"{round(length, 1):g}"


def _y(kobo: int, lines: Sequence[int]) -> float:
    return HEIGHT * (lines[-1] - kobo) / (lines[-1] - lines[0])


def _spot(
    point: Point, first: datetime.date, last: datetime.date, lines: Sequence[int]
) -> tuple[float, float]:
    day, kobo = point
    span = max(1, (last - first).days)
    return WIDTH * (day - first).days / span, _y(kobo, lines)


def _step_path(spots: Sequence[tuple[float, float]]) -> str:
    """Return the path of a line that stays level until the next value: there is no rank between two ranks."""
    (x, y), *rest = spots
    return f"M{_px(x)} {_px(y)}" + ("".join(f"H{_px(x)}V{_px(y)}" for x, y in rest) or "h0")


def _pace_path(spots: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_px(x)} {_px(y)}" for x, y in spots) if len(spots) > 1 else ""


def _in_words(points: Sequence[Point]) -> str:
    (first, began), (last, ended) = points[0], points[-1]
    if len(points) == 1:
        return messages.chart_of_one(ended, last)
    if began == ended:
        return messages.chart_is_level(began, first, last)
    describe = messages.chart_rises if ended > began else messages.chart_falls
    return describe(began, first, ended, last)


def _ranks_in_words(ranked: Sequence[tuple[datetime.date, int]]) -> str:
    best = min(ranked, key=lambda point: point[1])
    is_inside = best[1] < min(ranked[0][1], ranked[-1][1])
    first, last, best_point = (
        (ordinal(rank), date_format(day, "j F Y")) for day, rank in (ranked[0], ranked[-1], best)
    )
    return board_messages.ranks_from_to(first, last, best_point if is_inside else None)
