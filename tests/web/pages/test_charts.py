"""Charts: round axes, curves without overshoot, the numbers as text, and nothing that the content policy forbids."""

import datetime
import re
from itertools import pairwise

import pytest

from web.pages import charts

JUNE = datetime.date(2026, 6, 2)


def days(*amounts_kobo: int, apart: int = 7) -> list[charts.Point]:
    return [(JUNE + datetime.timedelta(days=apart * place), kobo) for place, kobo in enumerate(amounts_kobo)]


def heights(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?[\d.]+", path)][1::2]


@pytest.mark.parametrize(
    ("amounts_kobo", "labels"),
    [
        ([0, 1_250_400_00, 2_000_000_00], ["2.0m", "1.5m", "1.0m", "0.5m", "0"]),
        ([2_972_850_00, 3_692_670_50], ["3.75m", "3.50m", "3.25m", "3.00m", "2.75m"]),
        ([0], ["1.00k", "0.75k", "0.50k", "0.25k", "0"]),
        ([5], ["1", "0"]),
        ([99_900_00, 100_100_00], ["150k", "100k", "50k", "0"]),
        ([10_000_00, 10_000_00], ["10.0k", "7.5k", "5.0k", "2.5k", "0"]),
        ([0, 9_999_999_999_00], ["10.0b", "7.5b", "5.0b", "2.5b", "0"]),
    ],
)
def test_an_axis_has_round_sums_in_one_unit(amounts_kobo: list[int], labels: list[str]) -> None:
    assert charts.axis_labels(charts.axis_lines(amounts_kobo)) == labels


@pytest.mark.parametrize(
    "amounts_kobo", [[7, 123_456_789_01], [1_000_000_00, 1_900_000_00], [3], [1, 10**17]]
)
def test_every_sum_lies_between_the_lowest_and_the_highest_line(amounts_kobo: list[int]) -> None:
    lines = charts.axis_lines(amounts_kobo)
    assert lines[0] <= min(amounts_kobo)
    assert max(amounts_kobo) <= lines[-1]
    assert 2 <= len(lines) <= charts.MOST_LINES
    assert len({after - before for before, after in pairwise(lines)}) == 1


def test_an_amount_that_hardly_changes_is_not_magnified() -> None:
    assert charts.axis_lines([3_692_670_50, 3_692_671_50])[0] == 0


def test_days_are_spread_from_the_first_to_the_last() -> None:
    later = JUNE + datetime.timedelta(days=175)
    assert charts.day_labels(JUNE, later) == ["2 Jun", "30 Jul", "26 Sep", "24 Nov"]
    assert charts.day_labels(JUNE, JUNE) == ["2 Jun"]
    assert charts.day_labels(JUNE, JUNE + datetime.timedelta(days=1)) == ["2 Jun", "3 Jun"]


def test_a_long_span_is_labelled_with_months_and_their_years() -> None:
    assert charts.day_labels(JUNE, datetime.date(2028, 6, 2))[-1] == "Jun 2028"


def test_the_curve_never_swings_past_its_points() -> None:
    drawn = heights(charts.smooth_path([(0, 200), (100, 200), (200, 20), (300, 20), (400, 160)]))
    assert (min(drawn), max(drawn)) == (20, 200)


def test_a_flat_line_is_flat() -> None:
    assert set(heights(charts.smooth_path([(0, 60), (320, 60), (640, 60)]))) == {60}
    assert "and again ₦500.00" in charts.area_chart(days(500_00, 500_00), name="flat", title="Flat")


def test_twenty_years_of_days_ending_with_two_neighbours_are_drawn() -> None:
    points = [*days(*range(1_000_00, 61_000_00, 1_000_00), apart=120)]
    points.append((points[-1][0] + datetime.timedelta(days=1), 70_000_00))
    assert "trace" in charts.area_chart(points, name="old", title="Old")


def test_one_point_is_a_dot_without_an_area() -> None:
    drawn = charts.area_chart(days(25_000_00), name="one", title="One")
    assert "linearGradient" in drawn
    assert 'fill="url' not in drawn
    assert "₦25,000.00 on 2 June 2026." in drawn


def test_nothing_to_draw_says_so() -> None:
    assert "Nothing to show" in charts.area_chart([], name="none", title="None")


def test_the_chart_tells_its_story_and_shows_its_numbers() -> None:
    drawn = charts.area_chart(days(1_000_00, 2_500_50), name="total", title="Total <savings>")
    assert "Rises from ₦1,000.00 on 2 June 2026 to ₦2,500.50 on 9 June 2026." in drawn
    assert "Total &lt;savings&gt;" in drawn
    assert '<th scope="row">9 Jun 2026</th><td class="r">₦2,500.50</td>' in drawn


def test_the_pace_runs_on_past_the_last_point() -> None:
    pace = [(JUNE, 0), (JUNE + datetime.timedelta(days=70), 2_000_00)]
    drawn = charts.area_chart(days(0, 300_00), name="pace", title="Pace", pace=pace)
    assert 'class="pace" d="M0 240L640 0"' in drawn
    assert "M64 " in drawn


def test_charts_carry_no_style_and_no_script() -> None:
    drawn = charts.area_chart(days(1, 5, 3), name="a", title="A", pace=days(1, 9))
    assert "style" not in drawn
    assert "<script" not in drawn


def ranks(*numbers: int | None) -> list[tuple[datetime.date, int | None]]:
    return [(JUNE + datetime.timedelta(days=number), rank) for number, rank in enumerate(numbers)]


def test_the_first_rank_is_at_the_top_of_a_chart_of_ranks() -> None:
    drawn = charts.rank_chart(ranks(4, 3, 1), name="p", title="Your rank")
    assert 'data-x="0" data-y="240"' in drawn
    assert 'data-x="640" data-y="0"' in drawn
    assert "From 4th on 2 June 2026 to 1st on 4 June 2026." in drawn
    assert ('role="img"' in drawn, "<title" in drawn, "<desc" in drawn) == (True, True, True)
    assert '<th scope="row">4 Jun 2026</th><td class="r">1st</td>' in drawn


def test_a_day_without_a_rank_is_a_gap_in_the_line() -> None:
    drawn = charts.rank_chart(ranks(2, 1, None, 3, 2), name="p", title="Your rank")
    trace = re.findall(r'class="trace" d="([^"]*)"', drawn)[0]
    assert trace.count("M") == 2
    assert drawn.count("data-x") == 4


def test_the_best_of_some_days_is_said_where_it_was_between() -> None:
    drawn = charts.rank_chart(ranks(9, 2, 5), name="p", title="Your rank")
    assert "At best 2nd, on 3 June 2026." in drawn


@pytest.mark.parametrize(
    ("numbers", "axis"),
    [
        ((1, 1), (1, 2)),
        ((5, 5), (1, 5)),
        ((3, 14), (1, 14)),
        ((500, 12), (1, 500)),
        ((499_000, 498_000), (498_000, 499_000)),
        ((700_000, 700_000), (700_000, 700_001)),
    ],
)
def test_the_axis_of_ranks_leaves_the_movement_room(numbers: tuple[int, ...], axis: tuple[int, int]) -> None:
    assert charts.rank_axis(numbers) == axis


def test_one_day_of_ranks_is_no_chart() -> None:
    assert charts.rank_chart(ranks(None, 1), name="p", title="Your rank") == ""
