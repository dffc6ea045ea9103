"""What the page of the evidence about a dispute shows, in the words that people use for accounts."""

from __future__ import annotations

import dataclasses

from savings import backoffice
from savings.backoffice import NamedLine
from savings.models import Entry
from savings.payments import Evidence


@dataclasses.dataclass(frozen=True)
class EvidencePage:
    """The evidence, with the entries of the payment and those after it in readable names."""

    found: Evidence
    entries: list[tuple[Entry, NamedLine]]
    since: list[tuple[Entry, NamedLine]]


def evidence_page(found: Evidence) -> EvidencePage:
    """Return what the page shows. The names of all accounts are read at once."""
    entries = [(entry, backoffice.line_of(entry)) for entry in found.entries]
    since = [(entry, backoffice.line_of(entry)) for entry in found.since]
    names = backoffice.AccountNames([line for _, line in (*entries, *since)])
    return EvidencePage(
        found=found,
        entries=[(entry, names.read([line])[0]) for entry, line in entries],
        since=[(entry, names.read([line])[0]) for entry, line in since],
    )
