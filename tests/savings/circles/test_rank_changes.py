"""Rank changes: which members get a mail, when, how often, and what no mail contains."""

from __future__ import annotations

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from savings import circles, leaderboards, outbox, plans, references, tasks
from savings.circles import rank_changes
from savings.models import Circle, Membership, OutboxRow, User
from tests import factories

pytestmark = pytest.mark.django_db


def make(*sums: int, **fields: object) -> tuple[Circle, list[Membership]]:
    """Return a circle with a member for each amount, after a first check of the ranks."""
    circle = factories.make_circle(**fields)
    members = [factories.make_member(circle, saved_kobo=kobo) for kobo in sums]
    circles.check_ranks(circle)
    return circle, members


def save(member: Membership, kobo: int) -> None:
    factories.pay_in(member.user, kobo, plan=member.plan)


def sent_ranks() -> dict[int, tuple[str, str]]:
    """Return the new and the earlier rank in each mail, by user id."""
    rows = OutboxRow.objects.filter(kind="rank_changed")
    return {row.user_id or 0: (row.payload["place"], row.payload["before"]) for row in rows}


def mail_to(user: User) -> EmailMultiAlternatives:
    row = OutboxRow.objects.get(kind="rank_changed", user=user)
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    message = mail.outbox[-1]
    assert isinstance(message, EmailMultiAlternatives)
    return message


def texts(message: EmailMultiAlternatives) -> list[str]:
    html, _ = message.alternatives[0]
    return [str(message.subject), str(message.body), str(html)]


def later(**ahead: int) -> time_machine.travel:
    return time_machine.travel(timezone.now() + datetime.timedelta(**ahead))


@pytest.mark.parametrize("place", [1, 2, 3, 5, 10])
def test_rising_into_a_notable_rank_and_falling_out_of_it_send_mails(place: int) -> None:
    circle, members = make(*range(12_00, 0, -1_00))
    climber, passed = members[11], members[place - 1]
    save(climber, passed.saved_kobo - climber.saved_kobo + 50)
    circles.check_ranks(circle)
    seen = sent_ranks()
    assert seen[climber.user_id][0].startswith(str(place))
    assert seen[passed.user_id] != seen[climber.user_id]
    # Each notable rank below has pushed one more member out.
    others = [members[last - 1].user_id for last in (1, 2, 3, 5, 10) if last >= place]
    assert set(seen) == {climber.user_id, *others}


def test_other_ranks_send_no_mail() -> None:
    circle, members = make(*range(12_00, 0, -1_00))
    save(members[8], 2_50)
    circles.check_ranks(circle)
    assert sent_ranks() == {}


def test_a_tie_for_the_first_rank_moves_one_more_member_out() -> None:
    circle, (_, second, third, fourth) = make(4_00, 3_00, 2_00, 1_00)
    save(third, 2_00)
    circles.check_ranks(circle)
    assert sent_ranks() == {third.user_id: ("1st", "3rd"), second.user_id: ("3rd", "2nd")}
    save(fourth, 1)
    circles.check_ranks(circle)
    assert len(sent_ranks()) == 2


def test_a_broken_tie_moves_out_the_member_who_stayed() -> None:
    circle, (_, one, other, _) = make(4_00, 2_00, 2_00, 1_00)
    save(other, 1_00)
    circles.check_ranks(circle)
    assert sent_ranks() == {one.user_id: ("3rd", "2nd")}


def test_a_tie_beyond_the_compared_lines_sends_no_random_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rank_changes, "COMPARED_LINES", 3)
    circle, members = make(1_00, 1_00, 1_00, 1_00, 1_00)
    assert circles.check_ranks(circle) == 0
    circles.change_appearance(members[0], nickname="Gone", hides_amount=False, on_board=False)
    assert circles.check_ranks(circle) == 0


def test_at_most_one_mail_a_day_for_each_circle() -> None:
    circle, (first, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    for member in (second, first, second):
        save(member, 2_00)
        circles.check_ranks(circle)
    assert sent_ranks() == {second.user_id: ("1st", "2nd"), first.user_id: ("2nd", "1st")}
    other, (_, mine, *_) = make(4_00, 3_00, 2_00, 1_00)
    Membership.objects.filter(pk=mine.pk).update(user=second.user)
    save(mine, 5_00)
    assert circles.check_ranks(other) == 2
    with later(days=1):
        save(first, 5_00)
        assert circles.check_ranks(circle) == 2


def test_a_rank_lost_and_regained_between_checks_sends_no_mail() -> None:
    circle, (first, second, *_) = make(4_00, 3_00, 2_00)
    save(second, 2_00)
    save(first, 2_00)
    assert circles.check_ranks(circle) == 0


def test_the_first_check_of_a_circle_and_an_unchanged_one_send_no_mail() -> None:
    circle, (first, *_) = make(4_00, 3_00, 2_00, 1_00)
    assert sent_ranks() == {}
    save(first, 1_00)
    assert circles.check_ranks(circle) == 0
    with CaptureQueriesContext(connection) as captured:
        assert circles.check_ranks(circle) == 0
    assert not [query for query in captured if query["sql"].startswith(("INSERT", "UPDATE"))]


def test_fewer_than_three_members_get_no_mail() -> None:
    circle, (_, second) = make(4_00, 3_00)
    save(second, 2_00)
    assert circles.check_ranks(circle) == 0
    newcomer = factories.make_member(circle, saved_kobo=9_00)
    circles.check_ranks(circle)
    assert sent_ranks()[newcomer.user_id] == ("1st", "")


@pytest.mark.parametrize("why", ["off", "inactive", "left", "off the board"])
def test_no_mail_without_consent_or_membership(why: str) -> None:
    circle, (first, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    if why == "off":
        User.objects.filter(pk=first.user_id).update(wants_rank_changes=False)
    elif why == "inactive":
        User.objects.filter(pk=first.user_id).update(is_active=False)
    elif why == "left":
        Membership.objects.filter(pk=first.pk).update(left_at=timezone.now())
    else:
        circles.change_appearance(first, nickname="Shy", hides_amount=False, on_board=False)
    save(second, 2_00)
    circles.check_ranks(circle)
    assert first.user_id not in sent_ranks()
    assert second.user_id in sent_ranks()


def test_a_member_who_takes_money_out_gets_no_mail_and_the_others_do() -> None:
    circle, (first, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    reference = references.new("plan_to_stash")
    plans.move_from_plan(first.user, first.plan, amount_kobo=1_50, reference=reference)
    circles.check_ranks(circle)
    assert sent_ranks() == {second.user_id: ("1st", "2nd")}


def test_an_ended_circle_sends_no_mail() -> None:
    circle, (_, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    save(second, 2_00)
    circle.ends_on = timezone.localdate()
    assert circles.check_ranks(circle) == 0


def test_the_mail_has_the_circle_both_ranks_and_the_gap(settings: Settings) -> None:
    settings.SITE_URL = "https://asusu.example"
    circle, (first, _, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100, name="Enugu")
    save(third, 4_000_00)
    circles.check_ranks(circle)
    message = mail_to(third.user)
    assert message.subject == "You’re 2nd in Enugu"
    for text in texts(message)[1:]:
        for part in ("2nd", "3rd", "Enugu", "₦3,000.00", first.nickname, "1st"):
            assert part in text
        assert f"https://asusu.example/circles/{circle.slug}/leaderboard/" in text
        assert "https://asusu.example/profile/" in text


def test_a_hidden_amount_is_in_no_mail_and_cannot_be_derived() -> None:
    circle, (first, second, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100)
    Membership.objects.filter(pk=first.pk).update(hides_amount=True)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    message = mail_to(third.user)
    for text in texts(message):
        assert "₦" not in text
        assert first.nickname not in text
    assert "₦1,000.00" in str(mail_to(second.user).body)


@pytest.mark.parametrize("what", ["hides", "leaves the board", "leaves", "is hidden at the second try"])
def test_a_member_who_hides_or_leaves_before_sending_is_not_in_the_mail(what: str) -> None:
    circle, (first, _, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    row = OutboxRow.objects.get(kind="rank_changed", user=third.user)
    if what == "is hidden at the second try":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(EmailBackend, "send_messages", lambda *_: 0)
            assert not outbox.deliver(row.pk, tasks.HANDLERS)
        row.refresh_from_db()
        assert (row.text, row.tries) == ("", 1), "the text is stored only after sending"
        OutboxRow.objects.filter(pk=row.pk).update(due_at=timezone.now())
    if what == "leaves":
        Membership.objects.filter(pk=first.pk).update(left_at=timezone.now())
    else:
        on_board = what != "leaves the board"
        circles.change_appearance(first, nickname=first.nickname, hides_amount=on_board, on_board=on_board)
    message = mail_to(third.user)
    for text in texts(message):
        assert "₦" not in text
        assert first.nickname not in text
    row.refresh_from_db()
    assert (row.text, row.to) == (message.body, third.user.email)
    assert first.nickname not in str(row.payload)


def test_the_gap_is_that_of_the_moment_of_sending() -> None:
    circle, (first, _, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    save(first, 500_00)
    assert "₦3,500.00 more" in str(mail_to(third.user).body)


def test_a_reader_whose_rank_has_changed_since_reads_of_nobody_ahead() -> None:
    circle, (first, second, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    save(second, 2_000_00)
    body = str(mail_to(third.user).body)
    assert "You’re now 2nd" in body
    assert [member.nickname for member in (first, second) if member.nickname in body] == []


def test_a_row_of_an_earlier_release_names_no_other_member() -> None:
    circle, (_, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    save(second, 2_00)
    circles.check_ranks(circle)
    ahead = {"nickname": "Somebody", "place": "1st", "gap": "₦1.00"}
    payload = {"circle": "Enugu", "slug": circle.slug, "place": "2nd", "before": "3rd", "ahead": ahead}
    OutboxRow.objects.filter(user=second.user, kind="rank_changed").update(payload=payload)
    assert "Somebody" not in str(mail_to(second.user).body)


def test_no_mail_has_another_address_and_markup_in_a_nickname_stays_text() -> None:
    circle, (first, second, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100, name="A\u202eB <i>")
    nasty = '<img src=x>"&\r\nBcc: x'
    Membership.objects.filter(pk=first.pk).update(nickname=nasty)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    message = mail_to(third.user)
    assert message.subject == "You’re 2nd in A B <i>"
    assert "<img" not in texts(message)[2]
    assert "<i>" not in texts(message)[2]
    assert "&lt;img src=x&gt;" in texts(message)[2]
    assert "Bcc" not in message.message()
    for other in (first.user, second.user):
        assert not [text for text in texts(message) if other.email in text]


def test_the_same_mails_are_sent_without_redis(settings: Settings) -> None:
    settings.LEADERBOARD_REDIS_URL = "redis://127.0.0.1:1/0"
    _, (first, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    save(second, 2_00)
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    assert not leaderboards.are_trusted()
    assert sent_ranks() == {second.user_id: ("1st", "2nd"), first.user_id: ("2nd", "1st")}
    standings = OutboxRow.objects.filter(kind=leaderboards.BOARD_WRITE_KIND)
    assert all(row.due_at for row in standings), "they wait for Redis"


@pytest.mark.django_db(transaction=True)
def test_one_of_two_workers_checks_a_payment_a_minute_later() -> None:
    circle, (first, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    save(second, 2_00)
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    assert sent_ranks() == {}
    begin = threading.Barrier(2)

    def work(at: datetime.datetime) -> None:
        begin.wait()
        try:
            outbox.sweep(at, tasks.HANDLERS)
            circles.check_ranks(circle)
        finally:
            connection.close()

    with later(minutes=2), ThreadPoolExecutor(2) as pool:
        for task in [pool.submit(work, timezone.now()) for _ in range(2)]:
            task.result()
    assert sent_ranks() == {second.user_id: ("1st", "2nd"), first.user_id: ("2nd", "1st")}
    assert not OutboxRow.objects.filter(kind=leaderboards.RANK_CHECK_KIND, due_at__isnull=False).exists()


def test_a_worker_that_dies_before_its_commit_sends_nothing_and_the_next_sends_all() -> None:
    circle, (_, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    save(second, 2_00)
    with suppress(KeyboardInterrupt), transaction.atomic():
        assert circles.check_ranks(circle) == 2
        raise KeyboardInterrupt
    assert sent_ranks() == {}
    assert circles.check_ranks(circle) == 2


@pytest.mark.parametrize("members", [4, 400])
def test_a_check_costs_the_same_in_a_small_circle_and_in_a_large_one(
    members: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    circle, (_, second, *_) = make(9_00, 8_00, 7_00, 6_00)
    people = User.objects.bulk_create(User(email=f"{number}@example.com") for number in range(members - 4))
    for user in people:
        plan = factories.make_plan(user, circle.product)
        Membership.objects.create(circle=circle, user=user, plan=plan, nickname=user.email[:9], saved_kobo=1)
    circles.check_ranks(circle)
    save(second, 2_00)
    with django_assert_num_queries(10):
        assert circles.check_ranks(circle) == 2
