"""Certificates of interest and tax, as PDF and as CSV. They are short, so each is written at once."""

from __future__ import annotations

from pathlib import Path

from savings.statements import messages
from savings.statements.formats import Certificate, Head, csv, pdf
from savings.statements.formats.text import amount_name

_AMOUNTS = (messages.INTEREST_BEFORE_TAX, messages.TAX_WITHHELD, messages.INTEREST_AFTER_TAX)


def write(path: Path, file_format: str, head: Head, certificate: Certificate) -> None:
    """Write the file. Raises OSError and FileNotMade."""
    if file_format == "csv":
        _write_csv(path, head, certificate)
    else:
        pdf.write_certificate(path, head, certificate, names=["Plan", "Rate", *_AMOUNTS])


def _write_csv(path: Path, head: Head, certificate: Certificate) -> None:
    """Write a table: a line for the holder, one for each plan, the total, and one with the verification code."""
    rows = [
        ["Line", "Name", "Reference", "Description", *map(amount_name, _AMOUNTS)],
        ["holder", head.holder, head.number, f"{certificate.email}. {head.subject}. {head.issuer}"],
    ]
    for line in certificate.lines:
        rates = messages.interest_rates(line.rates) if line.rates else ""
        rows.append(["plan", line.plan, line.reference, rates, *_amounts(line.gross_kobo, line.tax_kobo)])
    tax = messages.tax_rates(certificate.tax_rates) if certificate.tax_rates else ""
    rows.append(["total", messages.TOTAL, "", tax, *_amounts(certificate.gross_kobo, certificate.tax_kobo)])
    rows.append(["check", "Verification", head.code, messages.verify_certificate(head.verify_url)])
    csv.write_table(path, [[*row, *[""] * (7 - len(row))] for row in rows])


def _amounts(gross_kobo: int, tax_kobo: int) -> list[str]:
    return [csv.amount(kobo) for kobo in (gross_kobo, tax_kobo, gross_kobo - tax_kobo)]
