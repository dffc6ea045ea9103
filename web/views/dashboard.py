"""The dashboard: the total, its history and what happens next."""

from __future__ import annotations

import datetime
import functools
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone

from savings import dashboard, money
from savings.dashboard import Holdings, Saving, Upcoming
from savings.models import (
    Account,
    AutosaveRule,
    AutosaveRun,
    Circle,
    Entry,
    Membership,
    Notice,
    Plan,
    Product,
    TaxRate,
    Transaction,
)
from savings.prepared_queries import prepared
from web import date_formats
from web.caching import pages as page_cache
from web.http import SaverRequest, render_part
from web.messages import dashboard as messages
from web.pages import calendar as calendar_pages
from web.pages import first_day, plan_standing
from web.pages import leaderboards as board_pages
from web.pages import payments as payment_pages
from web.pages import plans as plan_pages
from web.pages import transactions as transaction_rows
from web.pages.charts import area_chart

PERIODS = {"1m": ("1M", 30), "6m": ("6M", 182), "1y": ("1Y", 365), "all": (messages.ALL_TIME, None)}
DEFAULT_PERIOD = "6m"
LATEST = 6
MOST_CARDS = 6


def _greeting() -> str:
    hour = timezone.localtime().hour
    if hour < 12:
        return messages.GOOD_MORNING
    return messages.GOOD_AFTERNOON if hour < 18 else messages.GOOD_EVENING


# Without a running circle, the page reads only the user's memberships and when those circles end, which does not
# change. With one, it reads the board, which needs the board's version.
@page_cache.page(
    "period",
    shows=(Account, AutosaveRule, AutosaveRun, Entry, Notice, Plan, Product, TaxRate, Transaction),
    own=(Circle, Membership),
    also=_greeting,
)
def home(request: SaverRequest) -> HttpResponse:
    """The dashboard, with the history of the period in `?period=`."""
    today, began_on = timezone.localdate(), timezone.localdate(request.user.date_joined)
    holdings = dashboard.holdings(request.user)
    period = request.GET.get("period", DEFAULT_PERIOD)
    period = period if period in PERIODS else DEFAULT_PERIOD
    live = _live(holdings, today)
    urgent = plan_standing.by_urgency(live, today)[:MOST_CARDS]
    circle = board_pages.glance(request.user)
    if circle:
        page_cache.shows_circle(request, circle["circle_id"], circle["version"])
    rows = transaction_rows.rows(_latest(request.user.pk))
    context = {
        "greeting": _greeting(),
        "today": today,
        "today_text": date_formats.whole_day(today),
        "total_kobo": holdings.total_kobo,
        "period": period,
        "welcome": None if rows else first_day.welcome(holdings),
        # The chart and its periods appear with the first money.
        "has_begun": bool(holdings.total_kobo)
        or any(row.status == Transaction.Status.SUCCESS.label for row in rows),
        "periods": [(key, text, key == period) for key, (text, _) in PERIODS.items()],
        # Called by the template only if the fragment is not cached.
        "growth": functools.partial(_growth, holdings, PERIODS[period][1], began_on=began_on, today=today),
        "stash_kobo": holdings.stash_kobo,
        "on_hold_kobo": holdings.on_hold_kobo,
        "cards": [plan_pages.card(plan, today) for plan in urgent],
        "plan_count": len(live),
        "deeds": plan_standing.deeds(urgent, today)[:1],
        "upcoming": [
            _coming(item, today) for item in dashboard.upcoming(request.user.pk, holdings.plans, today)
        ],
        "accrued_kobo": dashboard.accrued_kobo([*holdings.plans, *holdings.closed_plans], today),
        "checked": payment_pages.being_checked(request.user.pk),
        "circle": circle,
        "rows": rows,
    }
    return render_part(request, "dashboard/home.html", "total", context)


def _coming(item: Upcoming, today: datetime.date) -> tuple[str, str, str, str]:
    """Return the icon, the name, the words and the amount of what happens next."""
    amount = money.short(item.amount_kobo) if item.amount_kobo else ""
    name = messages.plans(item.names) or messages.STASH
    words = messages.UPCOMING[item.kind]
    return calendar_pages.ICONS[item.kind], name, f"{words} {messages.on(item.day, today)}", amount


@prepared
def _latest(user_id: int) -> QuerySet[Transaction, Any]:
    return transaction_rows.newest(Transaction.objects.filter(user=user_id), LATEST)


def _live(holdings: Holdings, today: datetime.date) -> list[Saving]:
    """Return the open plans without those that have matured and paid out everything."""
    return [plan for plan in holdings.plans if plan.balance_kobo or not plan.is_matured(today)]


def _growth(
    holdings: Holdings, days: int | None, *, began_on: datetime.date, today: datetime.date
) -> dict[str, Any]:
    """Return the change of the total over a number of days, as text and as a chart.

    Neither begins before the day the account began. Over all its days the change is the whole total.
    """
    # A clock that was set back makes the account begin tomorrow.
    began_on = min(began_on, today)
    since = today - datetime.timedelta(days=days) if days else None
    is_all = since is None or since <= began_on
    points = dashboard.history(
        total_kobo=holdings.total_kobo,
        since=max(since, began_on) if since else None,
        today=today,
        account_ids=holdings.account_ids,
    )
    change_kobo = points[-1][1] - (0 if is_all else points[0][1])
    return {
        "change": money.signed(change_kobo),
        "has_grown": change_kobo > 0,
        "since_text": messages.SINCE_START if is_all else messages.since(points[0][0]),
        "chart": area_chart(points, name="total", title=messages.TOTAL_SAVINGS),
    }
