"""The chart of parts: a rectangle for each, also for those that share the last tone."""

from __future__ import annotations

import datetime
import re

from web.pages.stacked_chart import MOST_TONES, stacked_chart


def test_parts_that_share_a_tone_are_drawn_apart() -> None:
    sums = {f"Part {number}": 100_00 * (7 - number) for number in range(1, 7)}
    chart = stacked_chart([(datetime.date(2026, 11, 30), sums)], name="parts", title="Parts")
    drawn = re.findall(r'<rect class="part-(\d)" x="[^"]*" y="([^"]*)"', chart.partition('class="parts"')[0])
    assert [int(tone) for tone, _ in drawn] == [1, 2, 3, MOST_TONES, MOST_TONES, MOST_TONES]
    tops = [float(y) for _, y in drawn]
    assert tops == sorted(set(tops), reverse=True)
