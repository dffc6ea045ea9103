"""Statements as Excel, read by openpyxl."""

from __future__ import annotations

import dataclasses
import datetime
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given, settings
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet

from savings.exceptions import FileNotMade, TooManyRows
from savings.statements.formats import Head, Row
from savings.statements.formats.text import plain
from savings.statements.formats.xlsx import Writer
from tests.exports import HARM, foot, head, histories, proof, row

LAGOS = ZoneInfo("Africa/Lagos")


def write(path: Path, rows: Sequence[Row], *, of: Head | None = None) -> Path:
    writer = Writer(path, of or head())
    writer.add(rows)
    writer.finish(foot(rows))
    return path


def sheet(path: Path, name: str = "Transactions") -> Worksheet:
    found = openpyxl.load_workbook(path)[name]
    assert isinstance(found, Worksheet)
    return found


def summary(path: Path) -> dict[Any, Any]:
    return {label: value for label, value, *_ in sheet(path, "Summary").iter_rows(values_only=True)}


def as_shown(value: Any) -> Any:
    """Return text as Excel shows it: Excel reads `_x0041_` as an A, so such a name is escaped."""
    return unescape(value) if isinstance(value, str) else value


def kobo(sum_: Any) -> int | None:
    return None if sum_ is None else round(sum_ * 100)


@settings(max_examples=30)
@given(rows=histories())
def test_every_row_comes_back_in_order_to_the_kobo(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    path = write(tmp_path_factory.mktemp("xlsx") / "a.xlsx", rows, of=head(names_rows=True))
    _, opening, *got, closing = sheet(path).iter_rows(values_only=True)
    assert [(line[0], line[1], *map(kobo, line[5:])) for line in got] == [
        (row.at.astimezone(LAGOS).replace(tzinfo=None, microsecond=0), row.reference, *row[5:])
        for row in rows
    ]
    assert [tuple(as_shown(text) for text in line[2:5]) for line in got] == [
        tuple(plain(text) or None for text in (row.kind, row.name, row.description)) for row in rows
    ]
    assert kobo(opening[-3]) == 0
    assert kobo(closing[-3]) == kobo(summary(path)["Closing balance"]) == foot(rows).closing_kobo


@pytest.mark.parametrize("text", HARM)
def test_formulas_and_links_stay_text(tmp_path: Path, text: str) -> None:
    of = head(holder=text, subject=text, names_rows=True)
    path = write(tmp_path / "a.xlsx", [row(text, kind=text, name=text)], of=of)
    cells = [
        cell
        for name in ("Summary", "Transactions")
        for line in sheet(path, name).iter_rows()
        for cell in line
    ]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert sum(as_shown(cell.value) == plain(text) for cell in cells if cell.value) == (6 if text else 0)
    with zipfile.ZipFile(path) as parts:
        assert not any(
            b"<f>" in parts.read(name) or b"hyperlink" in parts.read(name) for name in parts.namelist()
        )


def test_sums_are_numbers_and_days_are_days(tmp_path: Path) -> None:
    line = list(sheet(write(tmp_path / "a.xlsx", [row()])).iter_rows())[2]
    assert line[0].value == datetime.datetime(2026, 3, 1, 13, 30, 15)  # noqa: DTZ001 (Excel knows no zone)
    assert line[0].number_format == "yyyy-mm-dd hh:mm:ss"
    assert (line[4].value, line[4].number_format) == (2500.5, "#,##0.00")
    assert line[5].value is None


def test_the_column_names_are_frozen(tmp_path: Path) -> None:
    rows = sheet(write(tmp_path / "a.xlsx", [row()]))
    assert rows.freeze_panes == "A2"
    assert rows.auto_filter.ref == "A1:I3"
    assert [cell.value for cell in rows[1]][-3:] == ["Balance (NGN)", "Interest (NGN)", "Tax (NGN)"]


def test_the_summary_has_the_holder_and_the_totals(tmp_path: Path) -> None:
    facts = summary(write(tmp_path / "a.xlsx", [row(), row(kind="Auto-save")]))
    assert (facts["Statement of"], facts["Covers"]) == ("Ada Obi", "Plan: School fees")
    assert (facts["From"].day, facts["To"].day) == (1, 31)
    assert (facts["Money in"], facts["Money out"], facts["Closing balance"]) == (5001, 0, 5001)
    assert (facts["Interest before tax"], facts["Tax withheld"]) == (2095.89, 209.58)
    assert facts["Interest after tax"] == 1886.31
    assert facts["Verification code"] == "7QK4-2MTD"
    assert facts["Auto-save"] == 1


def test_the_interest_proof_is_a_sheet(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.xlsx", head())
    writer.finish(dataclasses.replace(foot([]), proofs=(proof("=1+1"), proof("Rent"))))
    lines = list(openpyxl.load_workbook(tmp_path / "a.xlsx")["Interest"].iter_rows(values_only=True))
    assert lines[1][:2] == ("=1+1", "Days")
    assert lines[1][4:8] == (31, 100_000, "8.5%", 263_500_000_000)
    assert lines[2][7:] == (-263_497_850_000, 721.91, 72.19, 2_150_000, "INT01KAXH6M4T7QZ8VBD")
    assert lines[3][:2] == ("=1+1", "Since the plan began: 263,500,000,000 in all.")
    assert [line[0] for line in lines[4:]] == ["Rent"] * 3


def test_a_statement_without_rows_has_equal_balances(tmp_path: Path) -> None:
    _, opening, closing = sheet(write(tmp_path / "a.xlsx", [])).iter_rows(values_only=True)
    assert (opening[2], opening[-3]) == ("Opening balance", 0)
    assert (closing[2], closing[-3]) == ("Closing balance", 0)


def test_the_properties_name_only_the_statement(tmp_path: Path) -> None:
    about = openpyxl.load_workbook(write(tmp_path / "a.xlsx", [])).properties
    assert (about.title, about.creator, about.lastModifiedBy) == ("Statement. Plan: School fees", None, None)
    assert about.created == head().made_at.replace(tzinfo=None)


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "MOST_ROWS", 2)
    write(tmp_path / "full.xlsx", [row(), row()])
    writer = Writer(tmp_path / "a.xlsx", head())
    with pytest.raises(TooManyRows, match="CSV"):
        writer.add([row(), row(), row()])
    writer.abandon()


def test_return_codes_of_the_library_are_raised(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.xlsx", head())
    writer._line = 1_048_576
    with pytest.raises(FileNotMade):
        writer.add([row()])
    writer.abandon()


def test_no_temporary_files_remain(tmp_path: Path) -> None:
    given_up = Writer(tmp_path / "a.xlsx", head())
    given_up.add([row()])
    assert len(list(tmp_path.rglob("*"))) > 1
    given_up.abandon()
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "b.xlsx", [row()])
    assert list(tmp_path.iterdir()) == [tmp_path / "b.xlsx"]


def test_a_file_is_started_again_after_a_crash(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx.parts").mkdir()
    (tmp_path / "a.xlsx.parts" / "left").touch()
    write(tmp_path / "a.xlsx", [row()])
    assert list(tmp_path.iterdir()) == [tmp_path / "a.xlsx"]


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Writer(tmp_path / "gone" / "a.xlsx", head())
    (tmp_path / "a.xlsx").mkdir()
    with pytest.raises(OSError, match=r"a\.xlsx"):
        write(tmp_path / "a.xlsx", [])


def test_a_print_is_one_page_wide_with_the_column_names_on_each_page(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", [row()] * 100)
    book = openpyxl.load_workbook(path)
    for page in book.worksheets:
        assert (page.page_setup.orientation, page.page_setup.paperSize) == ("landscape", 9)
        assert page.sheet_properties.pageSetUpPr is not None
        assert page.sheet_properties.pageSetUpPr.fitToPage
        assert page.page_setup.fitToWidth in {None, 1}
        assert page.page_setup.fitToHeight == 0
        assert "7QK4-2MTD" in str(page.oddFooter.left.text)
    assert book["Transactions"].print_title_rows == "$1:$1"
    assert book["Transactions"].freeze_panes == "A2"


def test_each_page_and_the_summary_name_the_operator(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", [row()], of=head(operator="Run by Ada & Sons, help@example.com"))
    book = openpyxl.load_workbook(path)
    for page in (book["Summary"], book["Transactions"]):
        assert "Run by Ada && Sons, help@example.com" in str(page.oddFooter.left.text)
    said = dict(line[:2] for line in book["Summary"].iter_rows(values_only=True))
    assert said["Operator"] == "Run by Ada & Sons, help@example.com"


def test_the_summary_has_the_issuer_and_the_subject(tmp_path: Path) -> None:
    of = head(issuer="Asusu", site="savings.example", number="00000012", details=(("Product", "Target"),))
    path = write(tmp_path / "a.xlsx", [row()], of=of)
    said = dict(line[:2] for line in sheet(path, "Summary").iter_rows(values_only=True))
    assert said["Issued by"] == "Asusu · savings.example"
    assert (said["Statement number"], said["Product"]) == ("00000012", "Target")
