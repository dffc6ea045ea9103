"""Why a bank refuses to charge a saved card: the provider's words as codes, which `messages.CARD_FAILURES` explains."""

from __future__ import annotations

import re

NO_FUNDS, EXPIRED, NOT_REUSABLE = "no_funds", "card_expired", "not_reusable"
DECLINED, STOLEN, OVER_LIMIT, REFUSED = "declined", "stolen", "over_limit", "refused"
# After these the card is not charged again.
ENDS_CARD = {NOT_REUSABLE, STOLEN}

# The first pattern that is found counts. The words are the bank's and differ, as does their case.
_WORDS = [
    (NO_FUNDS, "insufficient|not sufficient|no funds|low balance"),
    (STOLEN, "lost|stolen|pick ?up|fraud"),
    (EXPIRED, "expired"),
    (OVER_LIMIT, "limit|exceeds"),
    (
        NOT_REUSABLE,
        "reusable|authori[sz]ation code|not recurring|recurring|not permitted|restricted|inactive|invalid card|closed",
    ),
    (DECLINED, "declin|do not honou?r|bank|issuer|unsuccessful|not approved"),
]


def code_of(words: str, *, default: str = DECLINED) -> str:
    """Return the code of the provider's words about a charge that failed; the default for words that say nothing."""
    found = (code for code, pattern in _WORDS if re.search(pattern, words, re.IGNORECASE))
    return next(found, default)
