"""The mails about auto-save, as they are sent."""

from __future__ import annotations

import datetime

import pytest
from django.core.mail import EmailMultiAlternatives

from savings import mails, plans
from savings.models import OutboxRow
from tests.autosave import Every, make_rule, work
from tests.factories import make_plan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
TODAY, TOMORROW = datetime.date(2026, 11, 30), datetime.date(2026, 12, 1)


def sent(kind: str, mailoutbox: list[EmailMultiAlternatives]) -> EmailMultiAlternatives:
    mails.send(OutboxRow.objects.filter(kind=kind).earliest("id"))
    (mail,) = mailoutbox
    html = str(mail.alternatives[0][0])
    for text in (mail.subject, mail.body, html):
        assert "None" not in text
        assert "{" not in text
    return mail


def test_the_notice_of_the_day_before(mailoutbox: list[EmailMultiAlternatives]) -> None:
    rule = make_rule(make_plan(name="Rent & more"), every=Every.DAY)
    work(TODAY)
    mail = sent("autosave_tomorrow", mailoutbox)
    assert mail.subject == "Tomorrow: ₦5,000.00 into Rent & more"
    assert "Tomorrow at 07:00 we’ll save ₦5,000.00 into Rent & more." in mail.body
    assert "From: Your stash" in mail.body
    assert "Date: Tuesday 1 December 2026" in mail.body
    assert f"/auto-save/{rule.pk}/" in mail.body
    assert "/messages/unsubscribe/" in mail.body


@pytest.mark.parametrize(
    ("hour", "again"),
    [(7, "We’ll try again on Tuesday 1 December, 19:00."), (19, "we won’t try again for this date")],
)
def test_a_failure_says_why_and_what_comes_next(
    mailoutbox: list[EmailMultiAlternatives], hour: int, again: str
) -> None:
    make_rule(every=Every.DAY)
    work(TODAY)
    work(TOMORROW)
    if hour == 19:
        OutboxRow.objects.filter(kind="autosave_failed").delete()
        work(TOMORROW, 19)
    mail = sent("autosave_failed", mailoutbox)
    assert "There wasn’t enough in your stash." in mail.body
    assert again in mail.body
    assert "Add money to your stash: " in mail.body


def test_a_rule_that_stopped_by_itself_says_why(mailoutbox: list[EmailMultiAlternatives]) -> None:
    plan = make_plan(name="Rent")
    make_rule(plan, every=Every.DAY)
    plans.close(plan)
    work(TODAY)
    mail = sent("autosave_stopped", mailoutbox)
    assert mail.subject == "Auto-save into Rent is paused"
    assert "The plan is closed." in mail.body
    assert "Nothing more is charged until you turn it on again." in mail.body


def test_a_late_date_is_explained(mailoutbox: list[EmailMultiAlternatives]) -> None:
    make_rule(every=Every.DAY)
    work(datetime.date(2026, 12, 4), 9)
    mail = sent("autosave_late", mailoutbox)
    assert "was due on Friday 4 December 2026" in mail.body
