"""The filters of the admin's templates."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings.models import Product, User
from web.pages import badges
from web.templatetags.staff import list_table, titled


def cell(content: object, name: str = "x") -> SafeString:
    return format_html('<td class="field-{}">{}</td>', name, content)


def head(name: str, text: str = "") -> dict[str, Any]:
    return {"text": text or name.replace("_", " "), "class_attrib": f' class="column-{name}"'}


def rows(*cells: SafeString, headers: list[dict[str, Any]]) -> list[SafeString]:
    (found,) = list_table([list(cells)], headers, None).rows
    return found


def test_each_cell_has_the_name_of_its_column_and_stays_escaped() -> None:
    found = rows(cell("<b>Ada</b>"), headers=[head("x", "due <at>")])
    assert found == [
        '<td data-label="Due &lt;at&gt;" data-part="main" data-wide class="field-x">&lt;b&gt;Ada&lt;/b&gt;</td>'
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("-", "data-none"),
        ("", "data-none"),
        ("₦25.00", "data-money"),
        ("25", "data-number"),
        ("0.03 s", "data-number"),
        ("8.50%", "data-number"),
        ("1,204 KB", "data-number"),
        ("127.0.0.1", ""),
        (SafeString("<a>-</a>"), ""),
    ],
)
def test_a_cell_without_a_value_and_an_amount_are_marked(content: str, kind: str) -> None:
    (found,) = rows(cell(content), headers=[head("x")])
    assert [mark for mark in ("data-none", "data-money", "data-number") if mark in found] == (
        [kind] if kind else []
    )


def test_a_column_without_a_value_in_any_row_is_left_out() -> None:
    table = list_table(
        [[cell("a"), cell("-"), cell("-")], [cell("b"), cell(""), cell("1")]],
        [head("x"), head("y"), head("z")],
        None,
    )
    assert [text for text, _ in table.head] == ["X", "Z"]
    assert [len(row) for row in table.rows] == [2, 2]


def test_a_folded_column_is_the_second_line_of_another_one() -> None:
    class Its:
        second_lines = {"y": "x"}

    table = list_table(
        [[cell("a"), cell("<b>", "y")], [cell("b"), cell("-", "y")]], [head("x"), head("y")], Its
    )
    assert [text for text, _ in table.head] == ["X"]
    assert '<span class="named">a <small>&lt;b&gt;</small></span></td>' in table.rows[0][0]
    assert table.rows[1][0].endswith('class="field-x">b</td>')


def test_zeros_are_quiet_and_a_missing_value_is_a_dash() -> None:
    (zero, missing), (more, _) = list_table(
        [[cell("₦0.00"), cell("-")], [cell("₦0.50"), cell("a")]], [head("x"), head("y")], None
    ).rows
    assert "data-money data-zero" in zero
    assert "data-zero" not in more
    assert missing.endswith(">–</td>")


def test_a_number_among_words_stands_like_the_words() -> None:
    (first,), _ = list_table([[cell("8%")], [cell("10% to 11%")]], [head("x")], None).rows
    assert "data-number" not in first


def test_the_parts_of_a_row_on_a_phone() -> None:
    names = ["reference", "plan", "amount", "status", "user", "created_on", "tries"]
    state = SafeString('<span class="badge wait">Open</span>')
    values = ["TOP1", "Rent", "₦1.00", state, "ada@example.com", "30 Nov 2026", "0"]
    found = rows(
        *(cell(value, name) for name, value in zip(names, values, strict=True)),
        headers=[head(name) for name in names],
    )
    parts = {
        name: html.partition('data-part="')[2].partition('"')[0]
        for name, html in zip(names, found, strict=True)
    }
    assert parts == {
        "reference": "main",
        "plan": "more",
        "amount": "sum",
        "status": "state",
        "user": "side",
        "created_on": "when",
        "tries": "",
    }


def test_a_list_chooses_parts_itself() -> None:
    class Its:
        main_column = "what"
        phone_parts = {"staff": "side", "text": "text"}

    names = ["at", "what", "staff", "saver", "text"]
    (found,) = list_table([[cell("a", name) for name in names]], [head(name) for name in names], Its).rows
    parts = {
        name: html.partition('data-part="')[2].partition('"')[0]
        for name, html in zip(names, found, strict=True)
    }
    assert parts == {"at": "when", "what": "main", "staff": "side", "saver": "more", "text": "text"}


def test_a_sum_and_a_date_have_their_name_on_a_phone() -> None:
    names, values = ["name", "saved", "joined_at", "amount"], ["Ada", "-", "30 Nov 2026", "₦5.00"]
    (_, saved, joined, _), (_, more, _, _) = list_table(
        [
            [cell(value, name) for name, value in zip(names, values, strict=True)],
            [cell("₦1.00" if name == "saved" else "x", name) for name in names],
        ],
        [head(name) for name in names],
        None,
    ).rows
    assert "data-named" in joined
    assert 'data-label="Saved"' in more
    assert 'data-part="sum" data-named' in more
    assert "data-named" not in saved


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (["name", "joined_at"], "beside"),
        (["name", "user", "joined_at"], "below"),
        (["name", "user", "count", "joined_at"], "when"),
    ],
)
def test_a_moment_takes_the_place_that_is_free(names: list[str], part: str) -> None:
    *_, when = rows(*(cell("x", name) for name in names), headers=[head(name) for name in names])
    assert f'data-part="{part}"' in when


def test_a_second_line_that_says_the_same_is_left_out() -> None:
    class Its:
        second_lines = {"y": "x"}

    ((found,),) = list_table([[cell("Locked"), cell("Locked", "y")]], [head("x"), head("y")], Its).rows
    assert "<small>" not in found


def test_the_amount_of_a_row_needs_no_name() -> None:
    (_, amount) = rows(cell("Ada"), cell("₦5.00", "amount"), headers=[head("x"), head("amount")])
    assert "data-named" not in amount


def test_a_rate_is_the_sum_of_a_row_without_money() -> None:
    (_, rate) = rows(cell("Harvest"), cell("13.00%", "rate"), headers=[head("x"), head("rate")])
    assert 'data-part="sum" data-named' in rate


@pytest.mark.parametrize(
    ("value", "tone"),
    [("paid", "good"), ("sent", "going"), ("approval", "wait"), ("dead", "bad"), ("void", "off")],
)
def test_the_tone_of_a_state(value: str, tone: str) -> None:
    assert badges.badge(value, "x") == f'<span class="badge {tone}">x</span>'


def test_the_boxes_to_tick_have_no_name() -> None:
    box = format_html('<td class="action-checkbox">{}</td>', "")
    header = {"text": "<input>", "class_attrib": ' class="action-checkbox-column"'}
    assert rows(box, cell("a"), headers=[header, head("x")])[0] == box


@pytest.mark.parametrize(
    ("row", "title"),
    [
        (Product(name="harvest"), "Harvest"),
        (User(email="ada@example.com"), "ada@example.com"),
        (User(email="ada@example.com", name="Ada Obi"), "Ada Obi"),
    ],
)
def test_a_title_has_a_capital_unless_it_is_an_address(row: Product | User, title: str) -> None:
    assert titled(row) == title
