"""References: the keys that make it safe to ask twice for a transaction, or for a plan to be opened.

Each is 20 characters: a prefix for what it stands for, then milliseconds, then chance, in Crockford base 32.
"""

from __future__ import annotations

import datetime
import re
import secrets

from django.utils import timezone

from savings import typed_text
from savings.models import Transaction
from savings.models.ledger import CROCKFORD, REFERENCE_PREFIXES

_MISREAD = str.maketrans("OIL", "011")
_PREFIX_LENGTH = 3
_OURS = re.compile(
    f"(?:{'|'.join(REFERENCE_PREFIXES.values())})[{CROCKFORD}]{{17}}", re.IGNORECASE | re.ASCII
)
PLAN_PREFIX = "PLN"
# Of the plan that is opened in a circle; its own, so that the reference of another form opens nothing there.
CIRCLE_PREFIX = "CIR"


def new(kind: str) -> str:
    """Return a fresh reference for a transaction of that kind, such as `TOP01M85MW6EM6C1D15Q`."""
    return mint(REFERENCE_PREFIXES[Transaction.Kind(kind)])


def mint(prefix: str) -> str:
    """Return a fresh reference with that prefix.

    Time comes before chance so that new keys land together in the index; seven random characters are 35 bits
    within one millisecond, and the unique index has the last word.
    """
    return at(timezone.now(), prefix=prefix, chance=secrets.randbits(35))


def is_ours(reference: str) -> bool:
    """Tell whether a reference has the form of a transaction's, in either case: the provider wants small letters."""
    return bool(_OURS.fullmatch(reference))


def at(moment: datetime.datetime, *, prefix: str, chance: int) -> str:
    """Return the reference of a moment and 35 bits of chance."""
    number = int(moment.timestamp() * 1000) << 35 | chance
    return prefix + "".join(CROCKFORD[(number >> shift) & 31] for shift in range(80, -5, -5))


def cleaned(text: str) -> str:
    """Return a reference as it is stored, however it was typed: in groups, in small letters, with O for 0.

    The beginning of one stays a beginning. Text that is no reference comes back changed, and finds nothing.
    """
    typed = typed_text.code(text).upper()
    return typed[:_PREFIX_LENGTH] + typed[_PREFIX_LENGTH:].translate(_MISREAD)


def looks_like_one(text: str) -> bool:
    """Return whether text is the beginning of a reference, rather than a word: a known prefix, then digits."""
    reference = cleaned(text)
    known = {*REFERENCE_PREFIXES.values(), PLAN_PREFIX, CIRCLE_PREFIX}
    return reference[:_PREFIX_LENGTH] in known and any(char.isdigit() for char in reference)


def with_prefix(reference: str, kind: str) -> str:
    """Return the same reference for another kind of transaction: a form is minted before its choices are known."""
    return REFERENCE_PREFIXES[Transaction.Kind(kind)] + reference[3:]
