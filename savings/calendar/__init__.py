"""The calendar: what happens to a saver's money on which day, on pages and in a private feed."""

from savings.calendar.events import Direction, Event, Kind, coming_events, with_one_interest
from savings.calendar.feeds import (
    end_all_feeds,
    end_feed,
    feed_of_token,
    feed_token,
    renew_feed,
    show_amounts,
    start_feed,
)
from savings.calendar.ics import FEED_DAYS, title_in_feed, write_feed
from savings.calendar.next_up import NextDate, next_dates
from savings.calendar.shortfalls import Shortfall, shortfall

__all__ = [
    "FEED_DAYS",
    "Direction",
    "Event",
    "Kind",
    "NextDate",
    "Shortfall",
    "coming_events",
    "end_all_feeds",
    "end_feed",
    "feed_of_token",
    "feed_token",
    "next_dates",
    "renew_feed",
    "shortfall",
    "show_amounts",
    "start_feed",
    "title_in_feed",
    "with_one_interest",
    "write_feed",
]
