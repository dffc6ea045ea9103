"""Statements as CSV, read by the standard library."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from savings.exceptions import CheckpointLost
from savings.statements.formats import Head, Row
from savings.statements.formats.csv import Writer
from savings.statements.formats.text import plain
from tests.exports import HARM, foot, head, histories, moments, proof, row


def write(path: Path, rows: Sequence[Row], *, of: Head | None = None) -> Path:
    writer = Writer(path, of or head())
    writer.add(rows)
    writer.finish(foot(rows))
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_the_interest_proof_has_its_own_lines(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.csv", head())
    writer.finish(dataclasses.replace(foot([]), proofs=(proof("=1+1"),)))
    days, posted, result = [line for line in read(tmp_path / "a.csv") if line["Line"] == "proof"]
    assert (days["Date"], days["Kind"], days["Balance (NGN)"]) == (
        "2026-10-01",
        "Days of interest",
        "100000.00",
    )
    assert days["Description"].startswith("'=1+1. To 2026-10-31: 31 days at 8.5%")
    assert days["Description"].endswith("Numerator 263500000000")
    assert (posted["Date"], posted["Reference"]) == ("2026-11-01", "INT01KAXH6M4T7QZ8VBD")
    assert (posted["Money in (NGN)"], posted["Money out (NGN)"]) == ("721.91", "72.19")
    assert posted["Description"].endswith("Left: 2150000")
    assert result["Description"].endswith("263,500,000,000 in all.")


def entries(path: Path) -> list[dict[str, str]]:
    return [line for line in read(path) if line["Line"] == "entry"]


def kobo(sum_: str) -> int | None:
    return int(Decimal(sum_) * 100) if sum_ else None


@given(rows=histories())
def test_every_row_comes_back_in_order_to_the_kobo(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    lines = read(write(tmp_path_factory.mktemp("csv") / "a.csv", rows, of=head(names_rows=True)))
    got = [line for line in lines if line["Line"] == "entry"]
    sums = [
        tuple(kobo(line[f"{name} (NGN)"]) for name in ("Money in", "Money out", "Balance", "Interest", "Tax"))
        for line in got
    ]
    assert sums == [tuple(row[5:]) for row in rows]
    for line, was in zip(got, rows, strict=True):
        assert line["Reference"] == was.reference
        for column, text in (("Kind", was.kind), ("Name", was.name), ("Description", was.description)):
            # Quotes are added, and nothing else is changed.
            assert line[column].replace("'", "") == plain(text).replace("'", "")
            assert not re.search(r"(^|;)\s*[=+\-@]", line[column])
    assert kobo(lines[0]["Balance (NGN)"]) == 0
    assert kobo(lines[-1]["Balance (NGN)"]) == (rows[-1].balance_kobo if rows else 0)


@pytest.mark.parametrize("zone", ["Africa/Lagos", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"])
@settings(max_examples=25)
@given(times=st.lists(moments))
def test_day_and_time_are_the_moment_to_the_second(
    tmp_path_factory: pytest.TempPathFactory, zone: str, times: list[datetime.datetime]
) -> None:
    with override_settings(TIME_ZONE=zone):
        path = write(tmp_path_factory.mktemp("csv") / "a.csv", [row()._replace(at=at) for at in times])
    got = [datetime.datetime.fromisoformat(f"{line['Date']}T{line['Time']}") for line in entries(path)]
    assert got == [at.replace(microsecond=0) for at in times]
    assert [at.utcoffset() for at in got] == [at.astimezone(ZoneInfo(zone)).utcoffset() for at in times]


@pytest.mark.parametrize("text", HARM)
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    harmful = row(text, kind=text, name=text)
    of = head(holder=text, subject=text, names_rows=True)
    for line in read(write(tmp_path / "a.csv", [harmful._replace(reference=text)], of=of)):
        for column in ("Reference", "Kind", "Name", "Description"):
            assert not line[column].lstrip('\t\r\n "').startswith(("=", "+", "-", "@", "＝"))


def test_no_cell_is_a_formula_with_semicolons_as_separators(tmp_path: Path) -> None:
    harmful = row("c; -1;d", name="a;=cmd|calc!A0;b")
    [line] = entries(write(tmp_path / "a.csv", [harmful], of=head(names_rows=True)))
    assert (line["Name"], line["Description"]) == ("a;'=cmd|calc!A0;b", "c;' -1;d")


def test_a_harmless_text_is_unchanged(tmp_path: Path) -> None:
    [line] = entries(write(tmp_path / "a.csv", [row("Ọ̀gbẹ́ni, 1+1 = 2 – 🎓 \u202f(“x”)")]))
    assert line["Description"] == "Ọ̀gbẹ́ni, 1+1 = 2 – 🎓 \u202f(“x”)"


def test_a_negative_amount_is_a_number_and_a_hidden_one_is_empty(tmp_path: Path) -> None:
    hidden = row()._replace(in_kobo=None, balance_kobo=-105)
    [line] = entries(write(tmp_path / "a.csv", [hidden]))
    assert (line["Money in (NGN)"], line["Balance (NGN)"]) == ("", "-1.05")


def test_the_file_starts_with_one_byte_order_mark(tmp_path: Path) -> None:
    written = write(tmp_path / "a.csv", [row("₦")]).read_bytes()
    assert written.startswith(b"\xef\xbb\xbfLine,Date,Time,Reference,Kind,Description,")
    assert written.count(b"\xef\xbb\xbf") == 1
    assert written.count(b"\n") == written.count(b"\r\n") == len(read(tmp_path / "a.csv")) + 1


def test_a_statement_without_rows_has_equal_balances_and_the_holder(tmp_path: Path) -> None:
    opening, *interest, closing = read(write(tmp_path / "a.csv", []))
    assert opening["Balance (NGN)"] == closing["Balance (NGN)"] == "0.00"
    assert [line["Line"] for line in interest] == ["interest"] * 3
    assert opening["Description"] == "Ada Obi. Plan: School fees"
    assert closing["Reference"] == "7QK4-2MTD"


def test_totals_by_kind_and_interest_are_below_the_rows(tmp_path: Path) -> None:
    lines = read(write(tmp_path / "a.csv", [row(), row(), row(kind="Auto-save")]))[4:-1]
    assert [
        (line["Kind"], line["Description"], line["Money in (NGN)"], line["Money out (NGN)"]) for line in lines
    ] == [
        ("Top-up", "2 entries", "5001.00", "0.00"),
        ("Auto-save", "1 entry", "2500.50", "0.00"),
        ("Interest before tax", "", "2095.89", ""),
        ("Tax withheld", "", "", "209.58"),
        ("Interest after tax", "", "1886.31", ""),
    ]


@given(rows=histories(), data=st.data())
def test_a_file_cut_anywhere_resumes_to_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    whole = write(folder / "whole.csv", rows).read_bytes()
    written = data.draw(st.integers(0, len(rows)))
    first = Writer(folder / "cut.csv", head())
    first.add(rows[:written])
    checkpoint = first.position()
    first.abandon()
    # The bytes after the checkpoint at a power cut: none, half a line, or arbitrary ones.
    (folder / "cut.csv").write_bytes(whole[:checkpoint] + data.draw(st.binary(max_size=200)))
    second = Writer(folder / "cut.csv", head(), resume_at=checkpoint)
    second.add(rows[written:])
    second.finish(foot(rows))
    assert (folder / "cut.csv").read_bytes() == whole


@pytest.mark.parametrize("left", [None, b"", b"short"])
def test_a_file_shorter_than_its_checkpoint_is_not_resumed(tmp_path: Path, left: bytes | None) -> None:
    if left is not None:
        (tmp_path / "a.csv").write_bytes(left)
    with pytest.raises(CheckpointLost):
        Writer(tmp_path / "a.csv", head(), resume_at=6)


def test_a_full_disk_and_a_missing_folder_raise(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Writer(tmp_path / "gone" / "a.csv", head())
    writer = Writer(Path("/dev/full"), head())
    with pytest.raises(OSError, match="No space"):
        writer.position()
    writer.abandon()
