"""Rank changes: who is told of a new place, when, how often, and what no mail ever tells."""

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
    """A circle with a member for each sum, whose places are known."""
    circle = factories.make_circle(**fields)
    members = [factories.make_member(circle, saved_kobo=kobo) for kobo in sums]
    circles.check_ranks(circle)
    return circle, members


def save(member: Membership, kobo: int) -> None:
    factories.pay_in(member.user, kobo, plan=member.plan)


def told() -> dict[int, tuple[str, str]]:
    """Who has been written to, with their place and the one before."""
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
def test_who_comes_among_the_first_is_told_and_so_is_who_is_pushed_out(place: int) -> None:
    circle, members = make(*range(12_00, 0, -1_00))
    climber, passed = members[11], members[place - 1]
    save(climber, passed.saved_kobo - climber.saved_kobo + 50)
    circles.check_ranks(circle)
    seen = told()
    assert seen[climber.user_id][0].startswith(str(place))
    assert seen[passed.user_id] != seen[climber.user_id]
    # The others who were pushed out, each of another of the places that are told of.
    others = [members[last - 1].user_id for last in (1, 2, 3, 5, 10) if last >= place]
    assert set(seen) == {climber.user_id, *others}


def test_a_place_that_is_not_one_of_them_is_no_news() -> None:
    circle, members = make(*range(12_00, 0, -1_00))
    save(members[8], 2_50)
    circles.check_ranks(circle)
    assert told() == {}


def test_level_with_the_first_both_are_first_and_one_more_is_pushed_out() -> None:
    circle, (_, second, third, fourth) = make(4_00, 3_00, 2_00, 1_00)
    save(third, 2_00)
    circles.check_ranks(circle)
    assert told() == {third.user_id: ("1st", "3rd"), second.user_id: ("3rd", "2nd")}
    save(fourth, 1)
    circles.check_ranks(circle)
    assert len(told()) == 2


def test_a_tie_that_is_broken_pushes_out_who_stayed() -> None:
    circle, (_, one, other, _) = make(4_00, 2_00, 2_00, 1_00)
    save(other, 1_00)
    circles.check_ranks(circle)
    assert told() == {one.user_id: ("3rd", "2nd")}


def test_a_tie_that_goes_on_beyond_the_lines_makes_no_news_of_chance(
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
    assert told() == {second.user_id: ("1st", "2nd"), first.user_id: ("2nd", "1st")}
    other, (_, mine, *_) = make(4_00, 3_00, 2_00, 1_00)
    Membership.objects.filter(pk=mine.pk).update(user=second.user)
    save(mine, 5_00)
    assert circles.check_ranks(other) == 2
    with later(days=1):
        save(first, 5_00)
        assert circles.check_ranks(circle) == 2


def test_a_place_lost_and_won_back_before_anybody_looks_is_no_news() -> None:
    circle, (first, second, *_) = make(4_00, 3_00, 2_00)
    save(second, 2_00)
    save(first, 2_00)
    assert circles.check_ranks(circle) == 0


def test_the_first_look_at_a_circle_and_a_second_one_tell_nobody() -> None:
    circle, (first, *_) = make(4_00, 3_00, 2_00, 1_00)
    assert told() == {}
    save(first, 1_00)
    assert circles.check_ranks(circle) == 0
    with CaptureQueriesContext(connection) as captured:
        assert circles.check_ranks(circle) == 0
    assert not [query for query in captured if query["sql"].startswith(("INSERT", "UPDATE"))]


def test_among_fewer_than_three_nobody_is_told() -> None:
    circle, (_, second) = make(4_00, 3_00)
    save(second, 2_00)
    assert circles.check_ranks(circle) == 0
    newcomer = factories.make_member(circle, saved_kobo=9_00)
    circles.check_ranks(circle)
    assert told()[newcomer.user_id] == ("1st", "")


@pytest.mark.parametrize("why", ["off", "inactive", "left", "off the board"])
def test_who_does_not_want_it_or_is_not_there_is_not_told(why: str) -> None:
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
    assert first.user_id not in told()
    assert second.user_id in told()


def test_who_takes_money_out_knows_why_they_have_fallen_and_the_others_are_told() -> None:
    circle, (first, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    reference = references.new("plan_to_stash")
    plans.move_from_plan(first.user, first.plan, amount_kobo=1_50, reference=reference)
    circles.check_ranks(circle)
    assert told() == {second.user_id: ("1st", "2nd")}


def test_a_circle_that_has_ended_is_left_in_peace() -> None:
    circle, (_, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    save(second, 2_00)
    circle.ends_on = timezone.localdate()
    assert circles.check_ranks(circle) == 0


def test_the_mail_says_which_circle_both_places_and_what_is_missing(settings: Settings) -> None:
    settings.SITE_URL = "https://asusu.example"
    circle, (first, _, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100, name="Enugu")
    save(third, 4_000_00)
    circles.check_ranks(circle)
    message = mail_to(third.user)
    assert message.subject == "You are 2nd in Enugu"
    for text in texts(message)[1:]:
        for part in ("2nd", "3rd", "Enugu", "₦3,000.00", first.nickname, "1st"):
            assert part in text
        assert f"https://asusu.example/circles/{circle.slug}/leaderboard/" in text
        assert "https://asusu.example/profile/" in text


def test_a_hidden_sum_is_in_no_mail_and_follows_from_none() -> None:
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
def test_who_hides_or_goes_before_the_mail_is_sent_is_not_in_it(what: str) -> None:
    circle, (first, _, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    row = OutboxRow.objects.get(kind="rank_changed", user=third.user)
    if what == "is hidden at the second try":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(EmailBackend, "send_messages", lambda *_: 0)
            assert not outbox.deliver(row.pk, tasks.HANDLERS)
        row.refresh_from_db()
        assert (row.text, row.tries) == ("", 1), "what may be told is not known before it is told"
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


def test_what_is_missing_is_what_is_missing_at_the_moment_of_sending() -> None:
    circle, (first, _, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    save(first, 500_00)
    assert "₦3,500.00 more" in str(mail_to(third.user).body)


def test_who_has_moved_on_before_the_mail_is_sent_is_told_of_nobody_ahead() -> None:
    circle, (first, second, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    save(second, 2_000_00)
    body = str(mail_to(third.user).body)
    assert "you are 2nd" in body
    assert [member.nickname for member in (first, second) if member.nickname in body] == []


def test_a_row_of_an_earlier_version_names_nobody() -> None:
    circle, (_, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    save(second, 2_00)
    circles.check_ranks(circle)
    ahead = {"nickname": "Somebody", "place": "1st", "gap": "₦1.00"}
    payload = {"circle": "Enugu", "slug": circle.slug, "place": "2nd", "before": "3rd", "ahead": ahead}
    OutboxRow.objects.filter(user=second.user, kind="rank_changed").update(payload=payload)
    assert "Somebody" not in str(mail_to(second.user).body)


def test_no_address_of_anybody_else_is_in_a_mail_and_a_nasty_nickname_stays_text() -> None:
    circle, (first, second, third, _) = make(9_000_00, 5_000_00, 2_000_00, 100, name="A\u202eB <i>")
    nasty = '<img src=x>"&\r\nBcc: x'
    Membership.objects.filter(pk=first.pk).update(nickname=nasty)
    save(third, 4_000_00)
    circles.check_ranks(circle)
    message = mail_to(third.user)
    assert message.subject == "You are 2nd in A B <i>"
    assert "<img" not in texts(message)[2]
    assert "<i>" not in texts(message)[2]
    assert "&lt;img src=x&gt;" in texts(message)[2]
    assert "Bcc" not in message.message()
    for other in (first.user, second.user):
        assert not [text for text in texts(message) if other.email in text]


def test_without_redis_the_same_are_told(settings: Settings) -> None:
    settings.LEADERBOARD_REDIS_URL = "redis://127.0.0.1:1/0"
    _, (first, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    save(second, 2_00)
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    assert leaderboards.gate.suspect
    assert told() == {second.user_id: ("1st", "2nd"), first.user_id: ("2nd", "1st")}
    standings = OutboxRow.objects.filter(kind=leaderboards.BOARD_WRITE_KIND)
    assert all(row.due_at for row in standings), "they wait for Redis"


@pytest.mark.django_db(transaction=True)
def test_a_payment_is_looked_at_a_minute_later_by_one_of_two_workers() -> None:
    circle, (first, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    save(second, 2_00)
    outbox.sweep(timezone.now(), tasks.HANDLERS)
    assert told() == {}
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
    assert told() == {second.user_id: ("1st", "2nd"), first.user_id: ("2nd", "1st")}
    assert not OutboxRow.objects.filter(kind=leaderboards.RANK_CHECK_KIND, due_at__isnull=False).exists()


def test_a_worker_that_dies_before_its_commit_has_told_nobody_and_the_next_tells_all() -> None:
    circle, (_, second, *_) = make(4_00, 3_00, 2_00, 1_00)
    save(second, 2_00)
    with suppress(KeyboardInterrupt), transaction.atomic():
        assert circles.check_ranks(circle) == 2
        raise KeyboardInterrupt
    assert told() == {}
    assert circles.check_ranks(circle) == 2


@pytest.mark.parametrize("members", [4, 400])
def test_a_look_costs_the_same_in_a_small_circle_and_in_a_large_one(
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
