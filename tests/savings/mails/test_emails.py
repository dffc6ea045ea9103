"""Emails: who gets which, their content, and what a stored one no longer contains."""

from __future__ import annotations

import datetime
import re
from itertools import pairwise

import pytest
from django.conf import settings as site
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from pytest_django.fixtures import Settings

from savings import mails, outbox, tasks
from savings.models import Device, OutboxRow, Payment, Transaction, User
from tests.cards import make_card
from tests.factories import make_plan, make_transaction, make_user, pay_in

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LINK = "https://asusu.example/reset/?key=3-abc&next=/"


@pytest.fixture(autouse=True)
def _production(settings: Settings) -> None:
    settings.SHOWS_MAILBOX = False
    settings.SITE_URL = "https://asusu.example"


def deliver(row: OutboxRow | None) -> EmailMultiAlternatives:
    assert row is not None
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    row.refresh_from_db()
    message = mail.outbox[-1]
    assert isinstance(message, EmailMultiAlternatives)
    return message


def html_of(message: EmailMultiAlternatives) -> str:
    content, _ = message.alternatives[0]
    return str(content)


def warn(user: User, label: str = "Firefox on Android") -> OutboxRow | None:
    device = Device.objects.create(user=user, token_hash="x", label=label)
    return mails.new_device(user, device, timezone.now())


def every_mail(user: User) -> list[OutboxRow | None]:
    return [mails.welcome(user), warn(user), mails.top_up_received(pay_in(user, 100))]


def test_a_receipt_has_the_amount_the_plan_and_the_reference() -> None:
    user = make_user(name="Ada Obi")
    movement = pay_in(user, 1_250_50, plan=make_plan(user, name="Rent"))
    message = deliver(mails.top_up_received(movement))
    assert message.to == [user.email]
    assert message.subject == "₦1,250.50 received"
    for text in (str(message.body), html_of(message)):
        for part in (
            "Ada",
            "₦1,250.50",
            "Rent",
            f"https://asusu.example/transactions/{movement.reference}/",
        ):
            assert part in text


def test_a_receipt_says_what_the_plan_has_now_and_how_far_it_is() -> None:
    user = make_user(name="Ada Obi")
    rent = make_plan(user, name="Rent", target_kobo=20_000_00)
    text = str(deliver(mails.top_up_received(pay_in(user, 14_200_00, plan=rent))).body)
    assert "Your money has arrived. Rent is now ₦14,200 (71%).\n" in text
    html = html_of(deliver(mails.top_up_received(pay_in(user, 800_00, plan=rent))))
    assert "<bdi>Rent</bdi> is now\n  ₦15,000 (75%)." in html
    free = make_plan(user, name="Free")
    text = str(deliver(mails.top_up_received(pay_in(user, 10_50, plan=free))).body)
    assert "Your money has arrived. Free is now ₦10.50.\n" in text


def test_every_mail_names_the_operator_if_there_is_one(settings: Settings) -> None:
    user = make_user()
    nobody = settings.OPERATOR
    settings.OPERATOR = nobody._replace(name="Ada & Sons", contact="help@example.com")
    account = mails.account_mail(user, user.email, "Your code", "Hello,\n\n123", "")
    for row in (*every_mail(user), account):
        message = deliver(row)
        assert str(message.body).endswith("\n\nRun by Ada & Sons, help@example.com\n")
        if message.alternatives:
            assert "Run by Ada &amp; Sons, help@example.com" in html_of(message)
    settings.OPERATOR = nobody
    assert "Run by" not in str(deliver(mails.top_up_received(pay_in(user, 100))).body)


@pytest.mark.parametrize(
    ("arrived_kobo", "words", "subject"),
    [
        (750_00, "₦750.00 of ₦1,500.00 arrived.", "₦750.00 of ₦1,500.00 arrived: we’re checking it"),
        (0, "not clear yet what arrived.", "We’re checking your payment of ₦1,500.00"),
    ],
)
def test_the_mail_about_a_check_names_what_arrived_and_comes_once(
    arrived_kobo: int, words: str, subject: str
) -> None:
    user = make_user(wants_receipts=False)
    movement = make_transaction("top_up", 1_500_00, user=user, plan=make_plan(user, name="Rent"))
    message = deliver(mails.payment_in_review(movement, arrived_kobo=arrived_kobo))
    assert message.subject == subject
    for text in (str(message.body), html_of(message)):
        for part in (words, "Rent", movement.reference, f"/transactions/{movement.reference}/"):
            assert part in text
    assert mails.payment_in_review(movement, arrived_kobo=arrived_kobo) is None


def test_a_mail_about_a_challenge_leads_to_the_provider_s_page() -> None:
    user = make_user(wants_receipts=False)
    movement = make_transaction("top_up", 1_500_00, user=user, plan=make_plan(user, name="Rent"))
    card = make_card(user, last4="4242")
    Payment.objects.create(transaction=movement, saved_card=card)
    message = deliver(mails.card_needs_approval(movement, "https://checkout.example/x?a=1&b=2"))
    assert message.subject == "Approve your payment of ₦1,500.00"
    assert "https://checkout.example/x?a=1&b=2" in str(message.body)
    assert 'href="https://checkout.example/x?a=1&amp;b=2"' in html_of(message)
    for text in (str(message.body), html_of(message)):
        for part in ("Visa ··4242", "Rent", movement.reference, f"/transactions/{movement.reference}/"):
            assert part in text
    assert mails.card_needs_approval(movement, "https://checkout.example/x") is None


def test_a_mail_about_an_expiry_names_the_card_and_the_day() -> None:
    card = make_card(make_user(), name="<Salary>", expires_on=datetime.date(2026, 8, 31))
    message = deliver(mails.card_expires(card))
    assert message.subject == "<Salary> expires soon"
    assert "31 August 2026" in str(message.body)
    assert "&lt;Salary&gt;" in html_of(message)
    assert "https://asusu.example/cards/" in html_of(message)
    assert mails.card_expires(card) is None


def test_a_receipt_is_sent_once_and_only_if_wanted() -> None:
    movement = pay_in(make_user(), 100)
    assert mails.top_up_received(movement) is not None
    assert mails.top_up_received(movement) is None
    assert mails.top_up_received(pay_in(make_user(wants_receipts=False), 100)) is None
    nobodys = Transaction(reference="ADJ", kind="adjustment", amount_kobo=100)
    assert mails.top_up_received(nobodys) is None


def test_a_warning_about_a_new_device_is_always_sent_and_has_nothing_about_money() -> None:
    user = make_user(wants_receipts=False)
    make_plan(user, holding_kobo=9_876_00, name="Rent")
    message = deliver(warn(user))
    for text in (message.subject, str(message.body), html_of(message)):
        for secret in ("₦", "9,876", "Rent", "kobo"):
            assert secret not in text
    assert "Firefox on Android" in str(message.body)


@pytest.mark.parametrize("name", ["Ada\r\nBcc: all@example.com", "\u202eadA", "<b>Ada</b>", "  ", "أمينة"])
def test_a_name_is_neither_a_header_nor_markup(name: str) -> None:
    user = make_user(name=name)
    for row in every_mail(user):
        message = deliver(row)
        headers = dict(message.message().items())
        assert headers["To"] == user.email
        assert "Bcc" not in headers
        assert "<b>" not in html_of(message)
        assert "\u202e" not in message.subject


def test_only_mails_with_a_switch_have_unsubscribe_headers() -> None:
    user = make_user()
    mails.weekly_digest({user.pk: []}, datetime.date(2026, 11, 16))
    raw = deliver(OutboxRow.objects.get(kind="weekly_digest")).message().as_bytes().decode()
    url = mails.switch_url(user.pk, "weekly_digest")
    assert url.startswith("https://asusu.example/messages/unsubscribe/")
    # On one line: mail programs decode nothing in this header.
    assert f"\nList-Unsubscribe: <{url}>\n" in raw
    assert "\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n" in raw
    for row in every_mail(user):
        assert "List-Unsubscribe" not in deliver(row).message()


def test_a_subject_becomes_one_line() -> None:
    user = make_user()
    message = deliver(mails.account_mail(user, user.email, "Reset\r\nBcc: all@example.com\u202e", "Hello"))
    assert message.subject == "Reset Bcc: all@example.com"
    assert "Bcc" not in message.message()


def test_html_loads_nothing_from_other_sites(settings: Settings) -> None:
    for row in every_mail(make_user()):
        html = html_of(deliver(row))
        assert not re.search(r"<(img|link|script|style|iframe)|url\(", html)
        for link in re.findall(r'href="([^"]*)"', html):
            assert link.startswith(settings.SITE_URL + "/")


def test_a_secret_link_is_removed_from_the_stored_mail_after_sending() -> None:
    user = make_user()
    html = f'<a href="{LINK.replace("&", "&amp;")}">Reset</a>'
    row = mails.account_mail(user, user.email, "Reset", f"Open {LINK} now.", html, secret=LINK)
    assert row is not None
    assert "3-abc" not in mails.shown_text(row)
    message = deliver(row)
    assert LINK in str(message.body)
    assert "3-abc" not in f"{row.subject} {row.text} {row.html} {row.payload}"
    assert mails.shown_text(row) == "Open [removed after sending] now."


def test_staff_read_no_link_that_acts_for_the_reader(settings: Settings) -> None:
    settings.SHOWS_MAILBOX = True
    for row in every_mail(make_user()):
        assert row is not None
        deliver(row)
        text = mails.text_for_staff(row)
        assert settings.SITE_URL not in text.replace(f"{settings.SITE_URL}/…", "")
        assert "unsubscribe" not in text
    coded = mails.account_mail(None, "new@example.com", "Code", "Your code is 4711.", secret="4711")
    assert coded is not None
    assert "4711" not in mails.text_for_staff(coded)


def test_staff_read_no_link_of_a_mail_that_an_earlier_url_of_the_site_sent(settings: Settings) -> None:
    settings.SITE_URL = "http://old.example.com:8202"
    row = mails.account_mail(
        make_user(), "ada@example.com", "Stop", f"Stop: {settings.SITE_URL}/stop/7-goal:x/ now."
    )
    settings.SITE_URL = "https://asusu.example.com"
    assert row is not None
    assert mails.text_for_staff(row) == "Stop: http://old.example.com:8202/… now."


def test_a_secret_link_stays_if_the_row_is_the_mailbox(settings: Settings) -> None:
    settings.SHOWS_MAILBOX = True
    row = mails.account_mail(None, "new@example.com", "Code", "Your code is 4711.", secret="4711")
    message = deliver(row)
    assert message.to == ["new@example.com"]
    assert row is not None
    assert "4711" in mails.shown_text(row)


def test_no_text_has_a_line_break_inside_a_sentence() -> None:
    """Mail programs wrap text to their own width, so a line break of ours would be in the middle of a line."""
    found = [
        (path.name, before[-40:], line)
        for path in (site.BASE_DIR / "templates").glob("**/*.txt")
        for before, line in pairwise(path.read_text().split("\n"))
        if re.match("[a-z]", line) and re.search(r"[\w,]$", before)
    ]
    assert found == []


def test_a_long_reference_or_name_is_broken_on_a_narrow_screen_and_its_label_is_not() -> None:
    html = html_of(deliver(mails.top_up_received(pay_in(make_user(), 500_00))))
    assert "border-radius:16px;overflow-wrap:anywhere;word-break:break-word;" in html
    assert 'white-space:nowrap;">Reference</td>' in html
