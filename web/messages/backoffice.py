"""The sentences of the pages for staff."""

from __future__ import annotations

EXPORT_ASKED = "We’re writing the file. Load this page again in a moment: the newest export is at the top."
EXPORT_FILTERS = "The list doesn’t have these filters. Choose them on the list, then ask for the file again."
EXPORT_NOT_ALLOWED = "The person who asked may not export this list any more."
PRODUCT_ASKED = "A second person has to approve the change. It waits among the requests."


def product_changed(name: str) -> str:
    return f"{name} is changed. No plan exists yet, so nobody else had to approve it."


SAVERS_BANK = "Savers’ money"
OWN_BANK = "Our own money"
# The movements of the house's money, and when each is needed.
# The movements by group; each purpose is in one.
TREASURY_GROUPS = {
    "Between the provider and the bank": (
        "balance_top_up",
        "balance_to_bank",
        "settlement_to_bank",
        "settlement_to_balance",
        "taken_from_balance",
    ),
    "Our own money": ("sweep", "capital_in", "capital_out", "bank_charge", "investment_income"),
    "Taxes to the authority": ("tax_remittance", "vat_remittance", "duty_remittance"),
}
TREASURY_MOVEMENTS = {
    "balance_top_up": "The provider balance is too low for the withdrawals on their way.",
    "balance_to_bank": "The provider balance holds more than withdrawals need.",
    "settlement_to_bank": "The provider has settled to the bank, and no settlement was booked automatically.",
    "settlement_to_balance": "The provider has settled to its balance, and no settlement was booked automatically.",
    "taken_from_balance": "The provider has taken a refund or dispute from its balance, and it was not booked.",
    "sweep": "Fees earned leave the savers’ bank account, or our own money fills it up.",
    "capital_in": "The owner pays money in.",
    "capital_out": "The owner takes money out.",
    "bank_charge": "The bank has taken a charge.",
    "investment_income": "The bank has paid interest to us.",
    "tax_remittance": "The tax of a month goes to the authority.",
    "vat_remittance": "The VAT of a month goes to the authority.",
    "duty_remittance": "The stamp duty of a month goes to the authority.",
}
