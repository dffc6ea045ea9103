"""Statements as PDF, read by pdfplumber and pypdf, and inspected by pikepdf."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pdfplumber
import pikepdf
import pypdf
import pypdfium2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from savings import money
from savings.exceptions import FileNotMade, TooManyRows
from savings.statements.formats import Head, Row, pdf
from savings.statements.formats.pdf import Writer
from tests.exports import HARM, foot, head, histories, proof, row
from tests.processes import PATIENCE_SECONDS

# pdfplumber would otherwise split a word and find a text that looks like an amount.
quiet = st.sampled_from(["Top-up", "Auto-save", "Ọ̀gbẹ́ni", "Card ending 4081", ""])


def write(path: Path, rows: Sequence[Row], *, of: Head | None = None, password: str = "") -> Path:
    writer = Writer(path, of or head(), password=password)
    writer.add(rows)
    writer.finish(foot(rows))
    return path


def text(path: Path) -> str:
    """Return all text of the file, without the break opportunities in long words."""
    pages = [page.extract_text() for page in pypdf.PdfReader(path).pages]
    return re.sub("\u200b\n?", "", "\n".join(pages))


def table(path: Path) -> list[tuple[str, ...]]:
    """Return reference, money in, money out and balance of each row, by their position on the page."""
    with pdfplumber.open(path) as document:
        return [row for page in document.pages for row in rows_of(page.extract_words())]


def rows_of(words: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a page: a row is a line with a time of day, and its reference is below it."""
    names = next((word for word in words if word["text"] == "Balance"), None)
    if names is None:
        return
    columns = [word for word in words if word["text"] in {"in", "out", "Balance"} and beside(word, names)]
    references = iter([word["text"] for word in words if re.fullmatch(r"TOP01\w{15}", word["text"])])
    for time in [word for word in words if re.fullmatch(r"\d\d:\d\d", word["text"]) and word["x1"] < 160]:
        line = [word for word in words if beside(word, time)]
        sums = [[word["text"] for word in line if abs(word["x1"] - column["x1"]) < 1] for column in columns]
        # The date of the statement has a time as well, but no amounts.
        if any(sums):
            yield next(references), *("".join(sum_) for sum_ in sums)


def beside(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(abs(one["top"] - other["top"]) < 1)


@settings(max_examples=8)
@example(
    rows=[row()._replace(in_kobo=1, balance_kobo=1), row()._replace(in_kobo=10**15 - 1, balance_kobo=10**15)]
)
@given(rows=histories(quiet, most=60))
def test_every_row_comes_back_in_order_to_the_kobo(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    path = write(tmp_path_factory.mktemp("pdf") / "a.pdf", rows)
    assert table(path) == [
        (row.reference, *("" if kobo is None else money.figures(kobo) for kobo in row[5:8])) for row in rows
    ]
    closing = money.figures(foot(rows).closing_kobo)
    assert f"Closing balance {closing}" in text(path)


@pytest.fixture(scope="module")
def harmful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A statement that contains each harmful text once."""
    rows = [row(harm, kind=harm, name=harm) for harm in HARM]
    return write(tmp_path_factory.mktemp("pdf") / "a.pdf", rows, of=head(holder=HARM[0], subject=HARM[7]))


@pytest.mark.parametrize(
    "harm", [harm for harm in HARM if harm.isprintable() and harm.isascii() and len(harm) < 40]
)
def test_markup_and_code_stay_text(harmful: Path, harm: str) -> None:
    assert " ".join(harm.split()) in text(harmful).replace("\n", " ")


def test_long_texts_are_cut(harmful: Path) -> None:
    assert f"{'x' * 99}…" in text(harmful).replace("\n", "")


def test_nothing_is_fetched_run_or_attached(harmful: Path) -> None:
    with pikepdf.open(harmful) as document:
        kinds = {
            str(thing.get("/S", thing.get("/Subtype", "")))
            for thing in document.objects
            if isinstance(thing, pikepdf.Dictionary)
        }
        assert not kinds & {"/Launch", "/JavaScript", "/GoToR", "/FileAttachment", "/Image"}
        assert not document.attachments
        assert addresses(document) == {head().verify_url}


@pytest.mark.parametrize(
    "name", ["Ọ̀gbẹ́ni Olúwáṣeun Adébáyọ̀", "Ụzọ́ma ṅụọ Chị̀nedu", "Ƙasƙo ɓauna ɗaki ƴaƴa", "N̄kà ẹ̀kọ́ ńlá"]
)
def test_letters_and_tone_marks_are_read_as_they_were_written(tmp_path: Path, name: str) -> None:
    assert f"{name}\n" in text(write(tmp_path / "a.pdf", [], of=head(holder=name)))


@pytest.mark.parametrize("name", ["شركة محمد", "שלום עולם"])
def test_names_from_right_to_left_have_their_letters(tmp_path: Path, name: str) -> None:
    words = text(write(tmp_path / "a.pdf", [], of=head(holder=name))).split()
    assert set(name.split()) <= set(words)


def test_the_text_behind_a_letter_that_no_font_has_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", [], of=head(subject="中文"))
    with pikepdf.open(path) as document:
        marked = [
            part.operands[1]
            for part in pikepdf.parse_content_stream(document.pages[0])
            if str(part.operator) == "BDC"
        ]
    # The first box has its own text; the others, which look the same, have an alternative text.
    assert "中" in text(path)
    assert "文" in [str(mark.ActualText) for mark in marked if "/ActualText" in mark]


def test_the_pdf_is_accessible(tmp_path: Path) -> None:
    with pikepdf.open(write(tmp_path / "a.pdf", [row()])) as document:
        root = document.Root
        assert (bool(root.MarkInfo.Marked), str(root.Lang)) == (True, "en-GB")
        assert bool(root.ViewerPreferences.DisplayDocTitle)
        with document.open_metadata() as about:
            assert about["pdfuaid:part"] == "1"
            assert about["dc:title"].startswith("Statement of Ada Obi. Plan: School fees. 1")
        tags = {str(thing.get("/S")) for thing in document.objects if isinstance(thing, pikepdf.Dictionary)}
        assert {"/H1", "/H2", "/Table", "/TH", "/TD"} <= tags


def test_every_font_is_in_the_file_and_ours(harmful: Path) -> None:
    with pikepdf.open(harmful) as document:
        fonts: list[Any] = [
            thing
            for thing in document.objects
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/FontDescriptor"
        ]
        assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)
        names = {str(font.FontName).partition("+")[2].partition("-")[0] for font in fonts}
    assert names <= {"NotoSans", "Almarai", "Heebo", "NotoEmoji", "AsusuBox"}
    assert "NotoSans" in names


def addresses(document: pikepdf.Pdf) -> set[str]:
    """Return the URLs of the links in a document."""
    notes = [note for page in document.pages for note in page.get("/Annots", [])]
    return {str(note.A.URI) for note in notes if note.Subtype == "/Link"}


def test_the_head_has_the_issuer_and_the_subject(tmp_path: Path) -> None:
    of = head(
        issuer="Ọjà Savings",
        site="savings.example",
        number="00000012",
        details=(("Plan reference", "PLN01M85MW6EM6C1D15Q"), ("Product", "Target"), ("Rate", "9.5%")),
    )
    said = " ".join(text(write(tmp_path / "a.pdf", [], of=of)).split())
    for words in (
        "Issued by Ọjà Savings · savings.example",
        "Statement number 00000012",
        "Plan reference PLN01M85MW6EM6C1D15Q",
        "Product Target",
        "Rate 9.5%",
    ):
        assert words in said


def test_each_page_names_the_operator(tmp_path: Path) -> None:
    of = head(operator="Run by Ọjà Savings, help@example.com")
    path = write(tmp_path / "a.pdf", [row()] * 100, of=of)
    with pypdfium2.PdfDocument(path) as document:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    assert len(pages) > 1
    assert all("Run by Ọjà Savings, help@example.com" in page for page in pages)
    assert "Run by" not in text(write(tmp_path / "b.pdf", []))


def test_the_verification_url_is_a_link_and_a_qr_code(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", [])
    with pikepdf.open(path) as document:
        assert addresses(document) == {head().verify_url}
    with pypdfium2.PdfDocument(path) as drawn:
        picture = drawn[0].render(scale=3).to_pil().convert("L")
    corner = picture.crop((1440, 300, 1670, 570)).tobytes()
    assert 10_000 < sum(value < 64 for value in corner) < 40_000


def test_a_row_takes_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", [row("Paid in by card")] * 400)
    assert len(pypdf.PdfReader(path).pages) <= 10


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("🎓 School fees 👩🏽‍🎓", "🎓 School fees 👩"),
        ("👨‍👩‍👧‍👦 home", "👨 home"),
        ("To 🇳🇬 and 🇬🇭", "To NG and GH"),
        ("👍🏿 done ❤️", "👍 done ❤"),
        ("1️⃣ first", "1 first"),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴"),
    ],
)
def test_an_emoji_sequence_becomes_one_emoji(tmp_path: Path, name: str, shown: str) -> None:
    assert f"{shown}\n" in text(write(tmp_path / "a.pdf", [], of=head(subject=name)))


def test_a_password_encrypts_the_file_with_aes_256(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", [row()], password="Ẹ̀kọ́ ₦1")
    for wrong in ("", "wrong"):
        with pytest.raises(pikepdf.PasswordError):
            pikepdf.open(path, password=wrong)
    with pikepdf.open(path, password="Ẹ̀kọ́ ₦1") as document:
        lock = document.encryption
        assert (lock.R, lock.bits, lock.stream_method.name, lock.string_method.name) == (
            6,
            256,
            "aesv3",
            "aesv3",
        )
        assert document.allow.accessibility
    assert b"Ada Obi" not in path.read_bytes()


def test_a_statement_without_rows_has_equal_balances(tmp_path: Path) -> None:
    said = text(write(tmp_path / "a.pdf", []))
    assert "Opening balance 0.00" in said
    assert "Closing balance 0.00" in said
    assert "There are no transactions in this period." in said


def test_every_page_has_its_number_and_the_verification_code(tmp_path: Path) -> None:
    pages = pypdf.PdfReader(write(tmp_path / "a.pdf", [row()] * 100)).pages
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        said = page.extract_text()
        assert f"Page {number} of {len(pages)}" in said
        assert "Verification code 7QK4-2MTD" in said
        assert head().verify_url in said


def test_the_address_that_verifies_it_can_be_copied(tmp_path: Path) -> None:
    """A break opportunity in it would be copied along, and the address would lead nowhere."""
    with pikepdf.open(write(tmp_path / "a.pdf", [row()])) as document:
        contents = document.pages[0].Contents.read_bytes()
    assert b"200B" not in contents


def test_the_foot_has_totals_interest_and_the_date(tmp_path: Path) -> None:
    said = text(write(tmp_path / "a.pdf", [row(), row(), row(kind="Auto-save")]))
    assert "Top-up 2 5,001.00 0.00" in said
    assert "Before tax 2,095.89" in said
    assert "After tax 1,886.31" in said
    assert "Made on 27\xa0Nov\xa02026, 09:40 (Africa/Lagos)." in said


def test_the_interest_proof_has_pages_of_its_own(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.pdf", head())
    writer.add([row()])
    long = proof("#sys.inputs")
    long = dataclasses.replace(long, lines=long.lines * 200)
    writer.finish(dataclasses.replace(foot([row()]), proofs=(long, proof("Rent"))))
    said = text(tmp_path / "a.pdf").replace("\u00a0", " ")
    assert "#sys.inputs" in said
    assert "1 Oct 2026 to 31 Oct 2026, 31 days 100,000.00 8.5% 263,500,000,000" in said
    assert "Interest posted on 1 Nov 2026: 721.91, tax 72.19, after tax 649.72; left 2,150,000" in said
    assert "100 more rows are in Excel and CSV. Since the plan began" in said
    assert table(tmp_path / "a.pdf") == [("TOP01KAXH6M4T7QZ8VBD", "2,500.50", "", "2,500.50")]


def test_the_same_statement_is_the_same_file(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, [row()]).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert first == second


def test_more_rows_than_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "MOST_ROWS", 2)
    writer = Writer(tmp_path / "a.pdf", head())
    with pytest.raises(TooManyRows, match="Excel"):
        writer.add([row()] * 3)
    writer.abandon()


@pytest.mark.parametrize(("limit", "to"), [("_TIMEOUT_SECONDS", 0.01), ("_MOST_BYTES", 60_000_000)])
def test_a_child_that_takes_too_long_or_too_much_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, to: float
) -> None:
    monkeypatch.setattr(pdf, limit, to)
    writer = Writer(tmp_path / "a.pdf", head())
    with pytest.raises(FileNotMade):
        writer.finish(foot([]))
    writer.abandon()


def test_the_child_exits_with_its_parent() -> None:
    ours, theirs = os.pipe()
    program = [sys.executable, "-I", str(pdf._PROGRAM), str(ours), str(pdf._MOST_BYTES)]
    with subprocess.Popen(program, pass_fds=[ours], stdin=subprocess.PIPE) as child:
        os.close(ours)
        os.close(theirs)
        assert child.wait(timeout=PATIENCE_SECONDS) == 1


def test_a_full_disk_and_a_missing_folder_raise(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Writer(tmp_path / "gone" / "a.pdf", head())
    writer = Writer(Path("/dev/full"), head())
    with pytest.raises(OSError, match="No space"):
        writer.finish(foot([]))
    writer.abandon()


def test_no_temporary_files_remain(tmp_path: Path) -> None:
    write(tmp_path / "a.pdf", [row()])
    assert list(tmp_path.iterdir()) == [tmp_path / "a.pdf"]
