"""The filters of the admin's templates."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from web.templatetags.staff import labelled, titled


def cell(content: object) -> SafeString:
    return format_html('<td class="field-x">{}</td>', content)


def labels(*cells: SafeString, header: dict[str, Any] | None = None) -> list[SafeString]:
    return list(labelled(cells, [header or {"text": "due <at>"}] * len(cells)))


def test_each_cell_has_the_name_of_its_column_and_stays_escaped() -> None:
    (found,) = labels(cell("<b>Ada</b>"))
    assert found == '<td data-label="Due &lt;at&gt;" class="field-x">&lt;b&gt;Ada&lt;/b&gt;</td>'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("-", "data-none"),
        ("", "data-none"),
        ("₦25.00", "data-money"),
        ("25", ""),
        (SafeString("<a>-</a>"), ""),
    ],
)
def test_a_cell_without_a_value_and_an_amount_are_marked(content: str, kind: str) -> None:
    (found,) = labels(cell(content))
    assert [mark for mark in ("data-none", "data-money") if mark in found] == ([kind] if kind else [])


def test_the_boxes_to_tick_have_no_name() -> None:
    box = format_html('<td class="action-checkbox">{}</td>', "")
    header = {"text": "<input>", "class_attrib": ' class="action-checkbox-column"'}
    assert labels(box, header=header) == [box]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("payment 430", "Payment 430"),
        ("ada@example.com", "ada@example.com"),
        ("charge.success", "charge.success"),
    ],
)
def test_a_title_has_a_capital_unless_it_is_an_address_or_a_code(name: str, title: str) -> None:
    assert titled(name) == title
