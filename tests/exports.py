"""Statements for tests of their formats: a head, random histories with correct balances, and harmful texts."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from savings.statements.formats import Foot, Head, InterestProof, KindTotal, ProofLine, Row

HARM = [
    '=HYPERLINK("https://evil.example","Ada")',
    "+1",
    "-1+2",
    "@SUM(A1:A9)",
    ' "=1+1',
    "\t=1+1",
    "＝1+1",
    "<img src=file:///etc/passwd>",
    '#include "x"',
    "#sys.inputs",
    "$x^2$ \\ *bold* _x0041_ <b>&amp;",
    "شركة محمد",
    "שלום עולם",
    "a\u202edcba",
    "one\ntwo\r\nthree\u2028four",
    "nul\x00 bell\x07 half\ud800 none\uffff",
    "🎓 School fees 👩\u200d🎓",
    'Ada "Ade" Obi, Lagos; x|y',
    "",
    "x" * 10_000,
    "ọ̀gbẹ́ni " * 1_250,
]
MOST_KOBO = 10**15
moments = st.integers(14 * 10**14, 2 * 10**15).map(
    lambda microseconds: (
        datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=microseconds)
    )
)
texts = st.one_of(st.sampled_from(HARM), st.text(max_size=60), st.text("abc +=-'\",", max_size=8))


@st.composite
def histories(draw: st.DrawFn, texts: st.SearchStrategy[str] = texts, most: int = 30) -> list[Row]:
    """Draw rows in order of time, with balances that follow from their amounts."""
    rows, balance_kobo = [], 0
    for number, at in enumerate(sorted(draw(st.lists(moments, max_size=most)))):
        reference = f"TOP01KAXH6M4T7Q{number:05d}"
        kind, name, description = draw(texts), draw(texts), draw(texts)
        goes_out = draw(st.booleans()) and balance_kobo > 0
        sum_kobo = draw(st.integers(1, balance_kobo if goes_out else MOST_KOBO // 50))
        balance_kobo += -sum_kobo if goes_out else sum_kobo
        in_kobo, out_kobo = (None, sum_kobo) if goes_out else (sum_kobo, None)
        interest = draw(st.sampled_from([(None, None), (sum_kobo, None), (None, -sum_kobo)]))
        rows.append(Row(at, reference, kind, name, description, in_kobo, out_kobo, balance_kobo, *interest))
    return rows


def head(*, names_rows: bool = False, **others: Any) -> Head:
    usual: dict[str, Any] = {
        "holder": "Ada Obi",
        "subject": "Plan: School fees",
        "code": "7QK4-2MTD",
        "verify_url": "https://asusu.example/statements/verify/7QK4-2MTD/",
    }
    return Head(
        **usual | others,
        since=datetime.date(2026, 1, 1),
        until=datetime.date(2026, 10, 31),
        opening_kobo=0,
        made_at=datetime.datetime(2026, 11, 27, 8, 40, 12, tzinfo=datetime.UTC),
        names_rows=names_rows,
    )


def foot(rows: Sequence[Row]) -> Foot:
    """Return the foot of a statement of these rows."""
    kinds = {row.kind: KindTotal(row.kind, 0, 0, 0) for row in rows}
    for row in rows:
        was = kinds[row.kind]
        kinds[row.kind] = KindTotal(
            row.kind, was.rows + 1, was.in_kobo + (row.in_kobo or 0), was.out_kobo + (row.out_kobo or 0)
        )
    in_kobo, out_kobo = sum(row.in_kobo or 0 for row in rows), sum(row.out_kobo or 0 for row in rows)
    return Foot(
        rows=len(rows),
        totals=list(kinds.values()),
        in_kobo=in_kobo,
        out_kobo=out_kobo,
        interest_gross_kobo=209_589,
        interest_tax_kobo=20_958,
        closing_kobo=in_kobo - out_kobo,
    )


def row(description: str = "Card ending 4081", *, kind: str = "Top-up", name: str = "") -> Row:
    at = datetime.datetime(2026, 3, 1, 12, 30, 15, tzinfo=datetime.UTC)
    return Row(at, "TOP01KAXH6M4T7QZ8VBD", kind, name, description, 250_050, None, 250_050)


def proof(plan: str = "School fees") -> InterestProof:
    """Return the interest proof of a plan: a month of one balance, and its posting."""
    first, last = datetime.date(2026, 10, 1), datetime.date(2026, 10, 31)
    days = ProofLine("", "", first, last, 31, 100_000_00, "8.5%", 263_500_000_000, None, None, None)
    posted = ProofLine(
        "Interest posted",
        "INT01KAXH6M4T7QZ8VBD",
        first,
        datetime.date(2026, 11, 1),
        31,
        None,
        "",
        -263_497_850_000,
        721_91,
        72_19,
        2_150_000,
    )
    return InterestProof(plan, [days, posted], "Since the plan began: 263,500,000,000 in all.")
