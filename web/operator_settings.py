"""The settings about the operator: who runs this installation, and where its terms and answers are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from web.environment import Env, check_url

# Statements print the name and the contact on one line.
_MOST_NAME, _MOST_CONTACT = 80, 120
# As many characters as a URL-safe token of 16 random bytes has.
_LEAST_TOKEN = 22
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]*")
_QUESTION = re.compile(r"^##[ \t]+", re.MULTILINE)


class Question(NamedTuple):
    """A question of the help page that the operator added, and the answer in paragraphs."""

    question: str
    paragraphs: tuple[str, ...]


class Operator(NamedTuple):
    """The facts about the operator on pages, mails and statements. Empty ones are not shown.

    A tuple of texts, because cached pages are keyed by the settings that can be written as JSON.
    """

    name: str = ""
    # An email address or a URL.
    contact: str = ""
    terms_url: str = ""
    privacy_url: str = ""
    source_url: str = ""
    # The issuer of statements: the operator's name as users know it.
    issuer: str = "Asusu"
    # The operator's tax identification number, printed on certificates of interest and tax.
    tax_id: str = ""
    # The bank accounts of the savers' money and of the operator's own, as staff know them.
    customers_bank: str = ""
    own_bank: str = ""
    questions: tuple[Question, ...] = ()

    @property
    def contact_url(self) -> str:
        """The contact as a link, a `mailto:` for an email address."""
        return f"mailto:{self.contact}" if "@" in self.contact and "://" not in self.contact else self.contact

    @property
    def contact_text(self) -> str:
        """The contact as people read it, without the scheme of a URL."""
        return self.contact.partition("://")[2] or self.contact

    @property
    def line(self) -> str:
        """One line for files and mails: `Run by Ọjà Savings, help@example.com`; empty if nothing is set."""
        if not self.name:
            return f"Contact: {self.contact_text}" if self.contact else ""
        return ", ".join(text for text in (f"Run by {self.name}", self.contact_text) if text)


def operator_settings(env: Env) -> Operator:
    """Return the settings about the operator. Raises ImproperlyConfigured for invalid ones."""
    name = _one_line("OPERATOR_NAME", env.str("OPERATOR_NAME", default=""), _MOST_NAME)
    return Operator(
        name=name,
        contact=_contact(
            _one_line("OPERATOR_CONTACT", env.str("OPERATOR_CONTACT", default=""), _MOST_CONTACT)
        ),
        terms_url=check_url("TERMS_URL", env.str("TERMS_URL", default=""), needed=False),
        privacy_url=check_url("PRIVACY_URL", env.str("PRIVACY_URL", default=""), needed=False),
        source_url=check_url("SOURCE_URL", env.str("SOURCE_URL", default=""), needed=False),
        issuer=env.str("ISSUER", default="") or name or "Asusu",
        tax_id=_one_line("OPERATOR_TAX_ID", env.str("OPERATOR_TAX_ID", default=""), 40),
        customers_bank=_one_line("CUSTOMERS_BANK", env.str("CUSTOMERS_BANK", default=""), _MOST_NAME),
        own_bank=_one_line("OWN_BANK", env.str("OWN_BANK", default=""), _MOST_NAME),
        questions=_questions_in(env.str("HELP_FILE", default="")),
    )


def parse_questions(text: str) -> tuple[Question, ...]:
    """Return the questions of a help file: `## Question`, and below it the answer, with blank lines between paragraphs.

    The text is plain: nothing in it is markup. Raises ImproperlyConfigured for a question without an answer, and for
    text above the first question.
    """
    before, *parts = _QUESTION.split(text.replace("\r\n", "\n"))
    if before.strip():
        raise ImproperlyConfigured("HELP_FILE must begin with a question, such as: ## Where is your office?")
    return tuple(_question(part) for part in parts)


def _question(part: str) -> Question:
    question, _, answer = part.partition("\n")
    paragraphs = tuple(" ".join(text.split()) for text in re.split(r"\n\s*\n", answer) if text.strip())
    if not question.strip() or not paragraphs:
        raise ImproperlyConfigured("HELP_FILE must have an answer below each question.")
    return Question(question.strip(), paragraphs)


def _questions_in(name: str) -> tuple[Question, ...]:
    if not name:
        return ()
    try:
        return parse_questions(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeError):
        raise ImproperlyConfigured("HELP_FILE must name a readable text file in UTF-8.") from None


def _one_line(name: str, given: str, most: int) -> str:
    text = " ".join(given.split())
    if len(text) > most or not text.isprintable():
        raise ImproperlyConfigured(f"{name} must be one line of at most {most} characters.")
    return text


def _contact(given: str) -> str:
    if not given or given.startswith(("https://", "http://")):
        return check_url("OPERATOR_CONTACT", given, needed=False)
    try:
        validate_email(given)
    except ValidationError:
        raise ImproperlyConfigured(
            "OPERATOR_CONTACT must be an email address or a URL such as https://host.example.com/help."
        ) from None
    return given


class StaffSettings(NamedTuple):
    """The rules of the back office."""

    # How long a request waits for a second person.
    request_hours: int
    # How long the file of an exported list can be downloaded.
    export_hours: int


def staff_settings(env: Env) -> StaffSettings:
    """Return the settings of the back office. Raises ImproperlyConfigured for invalid ones."""
    return StaffSettings(
        request_hours=env.number("STAFF_REQUEST_HOURS", default=72, least=1, most=30 * 24),
        export_hours=env.number("STAFF_EXPORT_HOURS", default=24, least=1, most=30 * 24),
    )


def metrics_token(env: Env) -> str:
    """Return the token with which Prometheus reads /metrics; empty if there is no such page.

    Raises ImproperlyConfigured for a token that can be guessed, or that no Authorization header can have (RFC 6750).
    """
    token = env.str("METRICS_TOKEN", default="")
    if token and (len(token) < _LEAST_TOKEN or not _TOKEN.fullmatch(token)):
        raise ImproperlyConfigured(
            f"METRICS_TOKEN must be {_LEAST_TOKEN} or more letters and digits, such as those of: openssl rand -hex 24"
        )
    return token
