"""References: the idempotency keys of transactions and of forms that open a plan.

A reference has 20 characters: a prefix for its kind, then a millisecond timestamp and random bits in Crockford base 32.
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
# For a plan that is opened in a circle. A prefix of its own, so that the reference of another form opens no plan there.
CIRCLE_PREFIX = "CIR"
# For a notice. Its movement has the same reference with the prefix of its kind.
NOTICE_PREFIX = "NTC"
# For an auto-save rule. Its movements have references of their own.
AUTOSAVE_PREFIX = "ASR"


def new(kind: str) -> str:
    """Return a new reference for a transaction of a kind, such as `TOP01M85MW6EM6C1D15Q`."""
    return mint(REFERENCE_PREFIXES[Transaction.Kind(kind)])


def mint(prefix: str) -> str:
    """Return a new reference with a prefix.

    The timestamp comes before the random part so that new keys are next to each other in the index. Seven random
    characters are 35 bits per millisecond, and the unique index refuses a collision.
    """
    return at(timezone.now(), prefix=prefix, chance=secrets.randbits(35))


def is_ours(reference: str) -> bool:
    """Return whether a text has the form of a transaction's reference, in upper or lower case.

    The provider uses lower case.
    """
    return bool(_OURS.fullmatch(reference))


def at(moment: datetime.datetime, *, prefix: str, chance: int) -> str:
    """Return the reference for a moment and 35 random bits (`chance`)."""
    number = int(moment.timestamp() * 1000) << 35 | chance
    return prefix + "".join(CROCKFORD[(number >> shift) & 31] for shift in range(80, -5, -5))


def cleaned(text: str) -> str:
    """Return a typed reference as it is stored: without grouping, in upper case, with 0 for a typed O.

    The beginning of a reference stays its beginning. Text that is no reference is changed too, and matches no row.
    """
    typed = typed_text.code(text).upper()
    return typed[:_PREFIX_LENGTH] + typed[_PREFIX_LENGTH:].translate(_MISREAD)


def looks_like_one(text: str) -> bool:
    """Return whether text looks like the beginning of a reference and not like a word: a known prefix and a digit."""
    reference = cleaned(text)
    known = {*REFERENCE_PREFIXES.values(), PLAN_PREFIX, CIRCLE_PREFIX, NOTICE_PREFIX, AUTOSAVE_PREFIX}
    return reference[:_PREFIX_LENGTH] in known and any(char.isdigit() for char in reference)


def with_prefix(reference: str, kind: str) -> str:
    """Return a reference with the prefix of another kind.

    A form gets its reference before the user's choices decide the kind of its transaction.
    """
    return REFERENCE_PREFIXES[Transaction.Kind(kind)] + reference[3:]
