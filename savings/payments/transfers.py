"""The provider's calls and answers about transfers to bank accounts; `paystack` sends them and says what they raise."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from savings.exceptions import UnclearAnswer
from savings.payments import money_answers
from savings.payments.json_fields import checked, kobo, kobo_or_none, moment_or_none, part, text, words
from savings.payments.paystack import call

# An answer with one of these ends a transfer. All others (pending, otp, received) do not.
CONCLUSIVE = {"success", "failed", "reversed", "abandoned", "blocked", "rejected"}
# The others that the description names.
NOT_CONCLUSIVE = {"pending", "otp", "received"}
_LONGEST_NAME = 150
_BANKS_PER_PAGE = 100


@dataclasses.dataclass(frozen=True)
class Bank:
    """A bank to which money can be sent."""

    code: str
    name: str


@dataclasses.dataclass(frozen=True)
class BankAccount:
    """A bank account that money can be sent to. `code` is the provider's name for it."""

    code: str
    account_name: str
    bank_name: str


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What the provider knows of one transfer. Amounts are in the smallest unit of `currency`."""

    reference: str
    code: str
    # See CONCLUSIVE.
    status: str
    amount_kobo: int
    currency: str
    message: str
    transferred_at: datetime.datetime | None
    # What the provider took for it, duty included, and the duty in it. Only `fetch_transfer` knows them.
    cost_kobo: int | None
    duty_kobo: int
    # The provider's name for the bank account; empty in the answer to `send_transfer`.
    recipient_code: str = ""

    @property
    def id(self) -> str:
        """The provider's name for it, under which a list has it once."""
        return self.code


def list_banks() -> list[Bank]:
    """Return the banks of the country that can receive transfers, by name."""
    found: dict[str, Bank] = {}
    number = 0
    while True:
        number += 1
        query = {"currency": settings.CURRENCY, "perPage": _BANKS_PER_PAGE, "page": number}
        page = call("GET", f"/bank?{urlencode(query)}", read=_banks)
        news = {bank.code: bank for bank in page if bank is not None and bank.code not in found}
        found |= news
        if len(page) < _BANKS_PER_PAGE or not news:
            return sorted(found.values(), key=lambda bank: bank.name.casefold())


def resolve_account(*, account_number: str, bank_code: str) -> str:
    """Return the name that a bank has for an account. Raises ProviderRefused when there is no such account."""
    query = urlencode({"account_number": account_number, "bank_code": bank_code})
    return call("GET", f"/bank/resolve?{query}", read=lambda data: _name(checked(data)))


def create_recipient(*, name: str, account_number: str, bank_code: str) -> BankAccount:
    """Register a bank account to send money to. The same account again returns the same recipient."""
    asked = {
        "type": "nuban",
        "name": name,
        "account_number": account_number,
        "bank_code": bank_code,
        "currency": settings.CURRENCY,
    }
    return call("POST", "/transferrecipient", asked, read=_recipient)


def delete_recipient(code: str) -> None:
    """Delete a recipient at the provider. ProviderRefused has the code NOT_FOUND if the provider does not know it."""
    call("DELETE", f"/transferrecipient/{_checked_code(code)}", read=lambda _: None)


def send_transfer(*, reference: str, amount_kobo: int, recipient_code: str, reason: str) -> Transfer:
    """Send kobo to a recipient's bank account. After ProviderUnavailable only the same reference may be sent again.

    The provider wants small letters in these references; ours are the same in either case.
    """
    asked = {
        "source": "balance",
        "reference": reference.lower(),
        "amount": amount_kobo,
        "currency": settings.CURRENCY,
        "recipient": recipient_code,
        "reason": reason,
    }
    return call("POST", "/transfer", asked, read=transfer)


def verify_transfer(reference: str) -> Transfer:
    """Return what the provider knows of a transfer. ProviderRefused has the code NOT_FOUND when it knows nothing."""
    return call("GET", f"/transfer/verify/{reference.lower()}", read=transfer)


def fetch_transfer(code: str) -> Transfer:
    """Return a transfer with its cost, by the provider's name for it."""
    return call("GET", f"/transfer/{_checked_code(code)}", read=transfer)


def transfer(data: object) -> Transfer:
    """Read a transfer. Raises UnclearAnswer for an answer without a field that decides about money."""
    answer = checked(data)
    return Transfer(
        reference=text(answer, "reference").upper(),
        code=text(answer, "transfer_code"),
        status=text(answer, "status"),
        amount_kobo=kobo(answer, "amount"),
        currency=text(answer, "currency"),
        message=words(answer, "gateway_response") or words(answer, "failures"),
        transferred_at=moment_or_none(answer, "transferred_at"),
        cost_kobo=kobo_or_none(answer, "fee_charged"),
        duty_kobo=_duty(answer),
        recipient_code=words(part(answer, "recipient"), "recipient_code"),
    )


def _checked_code(code: str) -> str:
    """Return a provider's name for a path. Raises UnclearAnswer for one that the provider cannot have given."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", code):
        raise UnclearAnswer(f"{code[:40]!r} cannot be a name at the provider")
    return code


def _banks(data: object) -> list[Bank | None]:
    return money_answers.each(data, _bank)


def _bank(data: object) -> Bank | None:
    answer = checked(data)
    is_usable = answer.get("active") is not False and answer.get("is_deleted") is not True
    return Bank(code=text(answer, "code"), name=text(answer, "name")) if is_usable else None


def _name(answer: dict[str, Any]) -> str:
    return " ".join(text(answer, "account_name").split())[:_LONGEST_NAME]


def _recipient(data: object) -> BankAccount:
    answer = checked(data)
    details = part(answer, "details")
    return BankAccount(
        code=text(answer, "recipient_code"),
        account_name=words(details, "account_name")[:_LONGEST_NAME],
        bank_name=text(details, "bank_name")[:100],
    )


def _duty(answer: dict[str, Any]) -> int:
    """Return the stamp duty in what a transfer cost. Its name is not described, and amounts are text there."""
    parts = answer.get("fees_breakdown")
    found = 0
    for one in parts if isinstance(parts, list) else []:
        name = str(one.get("type", "")).lower() if isinstance(one, dict) else ""
        amount = str(one.get("amount", "")) if isinstance(one, dict) else ""
        if ("duty" in name or "stamp" in name) and amount.isascii() and amount.isdigit():
            found += int(amount)
    return found
