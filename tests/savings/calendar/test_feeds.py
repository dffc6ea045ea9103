"""The tokens of feeds: renewed, turned off, forged, of another user and of a closed account."""

from __future__ import annotations

import pytest

from savings import calendar
from savings.models import CalendarFeed, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_user_has_one_feed(saver: User) -> None:
    feed = calendar.start_feed(saver)
    assert calendar.start_feed(saver) == feed
    assert calendar.feed_of_token(calendar.feed_token(feed)) == feed
    assert feed.shows_amounts is False


def test_a_renewed_feed_has_another_token_and_the_same_form_renews_it_once(saver: User) -> None:
    old = calendar.feed_token(calendar.start_feed(saver))
    assert calendar.renew_feed(saver, old) is True
    assert calendar.renew_feed(saver, old) is False
    assert calendar.feed_of_token(old) is None
    new = calendar.feed_token(CalendarFeed.objects.get())
    assert new != old
    assert calendar.feed_of_token(new) is not None


def test_nobody_renews_the_feed_of_another_user(saver: User) -> None:
    token = calendar.feed_token(calendar.start_feed(saver))
    assert calendar.renew_feed(make_user(), token) is False
    assert calendar.feed_of_token(token) is not None


def test_a_feed_that_was_turned_off_has_no_token_any_more(saver: User) -> None:
    token = calendar.feed_token(calendar.start_feed(saver))
    calendar.end_feed(saver)
    calendar.end_feed(saver)
    assert calendar.feed_of_token(token) is None
    assert calendar.feed_token(calendar.start_feed(saver)) != token


def test_a_closed_account_has_no_feed(saver: User) -> None:
    token = calendar.feed_token(calendar.start_feed(saver))
    User.objects.filter(pk=saver.pk).update(is_active=False)
    assert calendar.feed_of_token(token) is None


@pytest.mark.parametrize("token", ["", "x", "1-abc", "1-abc:xyz", "\x00", "é:é"])
def test_a_forged_token_is_none(saver: User, token: str) -> None:
    calendar.start_feed(saver)
    assert calendar.feed_of_token(token) is None
    assert calendar.renew_feed(saver, token) is False


def test_amounts_are_shown_only_when_their_owner_wants_them(saver: User) -> None:
    other = calendar.start_feed(make_user())
    feed = calendar.start_feed(saver)
    calendar.show_amounts(saver, shown=True)
    feed.refresh_from_db()
    other.refresh_from_db()
    assert (feed.shows_amounts, other.shows_amounts) == (True, False)
