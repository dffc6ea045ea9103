"""What pages say of withdrawals: the table of fees."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from web.pages import payouts
from web.payout_settings import fee_bands


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (
            {},
            [
                ("Up to ₦5,000", "₦10.75", "None"),
                ("Over ₦5,000, below ₦10,000", "₦26.87", "None"),
                ("₦10,000 to ₦50,000", "₦26.87", "₦50.00"),
                ("Over ₦50,000", "₦53.75", "₦50.00"),
            ],
        ),
        ({"fees": fee_bands("*:25 duty-borne")}, [("Any amount", "₦26.87", "None")]),
        ({"fees": fee_bands("*:0 duty-borne")}, []),
        (
            {"fees": fee_bands("*:0")},
            [("Below ₦10,000", "None", "None"), ("From ₦10,000", "None", "₦50.00")],
        ),
        # Bands below the least and above the most that can be withdrawn are not shown.
        (
            {"fees": fee_bands("10:1, 9000:10 vat-included, *:50"), "max_kobo": 8_000_00},
            [("Any amount", "₦10.00", "None")],
        ),
    ],
)
def test_the_table_has_a_line_for_each_fee(
    rules: dict[str, Any], expected: list[tuple[str, str, str]], settings: Settings
) -> None:
    settings.PAYOUTS = dataclasses.replace(settings.PAYOUTS, **rules)
    assert payouts.fee_lines() == expected
