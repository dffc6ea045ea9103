"""The CPU time of each page, compared with an empty view behind the same middleware and sign-in."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import django
from django.conf import settings

from tests.benchmarks._servers import PRODUCTION

if not settings.configured:
    os.environ |= PRODUCTION | {"LOG_LEVEL": "ERROR"}
    django.setup()

import httpx
import redis
from django.core.management import call_command
from django.db import connection
from django.template import engines
from django.template.loader import render_to_string
from django.test import override_settings
from django.utils import translation

from savings import leaderboards, payments, references
from savings.models import Circle, Transaction, User
from savings.payments import paystack
from tests import apm_intake, factories
from tests.benchmarks import _database, _site
from tests.benchmarks._asking import Asker, asking, asking_counted
from tests.benchmarks._report import Figure, in_turns, publish
from tests.benchmarks._site import Browser
from web import keyset
from web.pages import transactions as transaction_rows

ROUNDS = 400
FEWER_ROUNDS = 150
APM_TURNS = 20
NAIVE_TURNS = 5
# The number of processes of a small server.
AT_ONCE = 2
# Under valgrind, where one round is as exact as a thousand.
COUNTED_ROUNDS = 5
FEW_ROWS, MANY_ROWS = 25, 225
# Page 10,000 of a list, plus a few more rows.
LONG_LIST = keyset.PAGE_SIZE * 10_000 + 100
# The transactions of the user for the comparison with the naive page.
MANY_TRANSACTIONS = 100_000
# A row as a beginner writes it: instances, dates, links and amounts formatted in the template.
STOCK_ROWS = """{% load icons money %}{% for movement in movements %}
  <tr>
    <td>
      <div class="what">
        <span class="avatar{% if movement.status == "success" %} in{% endif %}">{% icon "in" %}</span>
        <span><a class="cover" href="{% url "transactions:receipt" movement.reference %}">{{ movement.get_kind_display }}</a><span class="sub"><i class="sm">{{ movement.plan.name|default:"Stash" }} · </i>{{ movement.created_on|date:"j M" }}<i class="md">, {{ movement.created_on|date:"H:i" }}</i></span></span>
      </div>
    </td>
    <td class="md quiet">{{ movement.plan.name|default:"Stash" }}</td>
    <td class="md"><span class="sub">{{ movement.get_status_display }}</span></td>
    <td class="r"><span class="money b up">{{ movement.amount_kobo|signed }}</span></td>
  </tr>
{% endfor %}"""  # noqa: E501
_LIST = """
INSERT INTO savings_transaction (reference, kind, status, amount_kobo, user_id, plan_id, created_on, settled_on,
    failure_code)
SELECT %(series)s || lpad(n::text, 17, '0'), 'top_up', 'success', 100 + n, %(user)s, plans[1 + n %% %(count)s],
    moment, moment, ''
FROM generate_series(1, %(rows)s) n, CAST(%(plans)s AS bigint[]) plans,
    LATERAL (SELECT now() - (%(rows)s - n) * interval '1 minute' AS moment) at
"""


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json")
    options = parser.parse_args()
    for url in {cache["LOCATION"] for cache in settings.CACHES.values()}:
        redis.Redis.from_url(url).flushdb()
    with _database.made():
        figures = list(_measure())
    return publish("pages", figures, options.json)


def _measure() -> Iterator[Figure]:
    # Production pages use hashed file names.
    call_command("collectstatic", interactive=False, verbosity=0)
    user = _saver()
    browser = Browser(user, _site.application())
    yield from _dashboard(browser)
    yield from _instructions(user)
    yield from _others(browser, user)
    yield from _translated(browser, user)
    yield from _rows(user)
    yield from _far_down(browser.application)
    yield from _naive()
    yield from _mail(browser.application)
    yield from _apm(user)


def _saver() -> User:
    """Return a user with four plans, 26 payments, and fifth place in a circle of ten."""
    user = factories.make_user(name="Ada Okafor")
    for kind in ("flexible", "target", "locked", "emergency"):
        plan = factories.make_plan(user, factories.make_product(kind), holding_kobo=100_000_00)
        for _ in range(5):
            factories.pay_in(user, 1_234_50, plan=plan)
    factories.pay_in(user, 50_000_00)
    circle = factories.start_circle()
    factories.join_circle(circle, user, saved_kobo=500_00)
    for number in range(8):
        factories.join_circle(circle, saved_kobo=(number + 1) * 100_00)
    leaderboards.rebuild_board(circle.pk)
    user.refresh_from_db()
    return user


def _dashboard(browser: Browser) -> Iterator[Figure]:
    empty, page = browser.getting("/bench/empty/"), browser.getting("/dashboard/")
    same = browser.getting("/dashboard/", 304, HTTP_IF_NONE_MATCH=page().headers["etag"])
    packed = browser.getting("/dashboard/", HTTP_ACCEPT_ENCODING="gzip, br")
    assert packed().headers["content-encoding"] == "br"
    nothing, warm, unchanged, compressed = in_turns(ROUNDS, empty, page, same, packed, clock=time.thread_time)
    yield Figure("the empty view", nothing * 1000, "ms", "CPU time of the request, as everywhere here")
    yield _ratio("warm dashboard : the empty view", warm, nothing, 1.4)
    yield _ratio("unchanged dashboard, 304 : the empty view", unchanged, nothing, 1.3)
    yield _ratio("warm dashboard, with compression : without", compressed, warm, 1.2)
    nothing, cold = _cold(FEWER_ROUNDS, empty, page)
    yield _ratio("cold dashboard without its chart : the empty view", cold, nothing)
    nothing, cold = _cold(FEWER_ROUNDS, empty, page, all_of_it=True)
    yield _ratio("cold dashboard with its chart : the empty view", cold, nothing)


def _instructions(user: User) -> Iterator[Figure]:
    """The cold dashboard in instructions of our process, which no other load can change."""
    with asking_counted(user) as asker:
        nothing = asker.instructions("/bench/empty/", COUNTED_ROUNDS, lambda: None)
        cold = asker.instructions("/dashboard/", COUNTED_ROUNDS, lambda: _forget("*page:*"))
    detail = f"{cold / 1e6:.1f} : {nothing / 1e6:.2f} million"
    what = "cold dashboard without its chart : the empty view, instructions"
    yield Figure(what, cold / nothing, "x", detail, at_most=8)


def _others(browser: Browser, user: User) -> Iterator[Figure]:
    """The same for the other pages, which have no bars."""
    circle = Circle.objects.get(memberships__user=user)
    addresses = {
        "plans": "/plans/",
        "plan": f"/plans/{user.plans.latest('pk').pk}/",
        "stash": "/stash/",
        "transactions": "/transactions/",
        "receipt": f"/transactions/{user.transactions.latest('pk').reference}/",
        "circle": f"/circles/{circle.slug}/",
        "leaderboard": f"/circles/{circle.slug}/leaderboard/",
    }
    empty = browser.getting("/bench/empty/")
    for name, address in addresses.items():
        page = browser.getting(address)
        page()
        nothing, warm = in_turns(FEWER_ROUNDS, empty, page, clock=time.thread_time)
        unkept, cold = _cold(FEWER_ROUNDS // 3, empty, page, all_of_it=True)
        yield Figure(f"{name}, warm : the empty view", warm / nothing, "x", f"cold {cold / unkept:.1f} x")


def _translated(browser: Browser, user: User) -> Iterator[Figure]:
    """The cost of `USE_I18N` with LocaleMiddleware, before a sentence is translated: the price of switching it on."""
    place = settings.MIDDLEWARE.index("django.contrib.sessions.middleware.SessionMiddleware") + 1
    with override_settings(
        MIDDLEWARE=[
            *settings.MIDDLEWARE[:place],
            "django.middleware.locale.LocaleMiddleware",
            *settings.MIDDLEWARE[place:],
        ]
    ):
        translating = Browser(user, _site.application())
    # Django looks its functions up once: each mode has its own.
    names = vars(translation)
    lookup = type(names["_trans"])
    modes = [(False, browser, lookup()), (True, translating, lookup())]
    for name, address, is_cold in (
        ("warm dashboard", "/dashboard/", False),
        ("cold dashboard", "/dashboard/", True),
        ("start of a plan", "/plans/start/", False),
    ):
        seconds: list[list[float]] = [[], []]
        for _ in range(FEWER_ROUNDS):
            for spent, (is_on, asked, functions) in zip(seconds, modes, strict=True):
                settings.USE_I18N, names["_trans"] = is_on, functions
                if is_cold:
                    _forget("*page:*")
                begun_at = time.thread_time()
                asked.get(address, HTTP_ACCEPT_LANGUAGE="en")
                spent.append(time.thread_time() - begun_at)
        settings.USE_I18N, names["_trans"] = False, modes[0][2]
        without, with_it = (statistics.median(spent[3:]) for spent in seconds)
        detail = f"{with_it * 1000:.2f} : {without * 1000:.2f} ms"
        yield Figure(f"{name}, with USE_I18N : without", with_it / without, "x", detail)


def _cold(
    rounds: int, empty: Callable[[], Any], page: Callable[[], Any], *, all_of_it: bool = False
) -> list[float]:
    """Return the median CPU seconds of the empty view and of an uncached page, without its fragments."""
    seconds: list[list[float]] = [[], []]
    for _ in range(rounds):
        _forget("*" if all_of_it else "*page:*")
        for spent, action in zip(seconds, (empty, page), strict=True):
            begun_at = time.thread_time()
            action()
            spent.append(time.thread_time() - begun_at)
    return [statistics.median(spent) for spent in seconds]


def _forget(pattern: str) -> None:
    store = redis.Redis.from_url(settings.CACHES["template_fragments"]["LOCATION"])
    for key in store.keys(f"asusu:{pattern}"):
        store.delete(key)


def _rows(user: User) -> Iterator[Figure]:
    """The cost of each further row of a list, including its share of the query."""
    factories.fill(user, MANY_ROWS)
    newest = user.transactions.order_by("-id")
    stock_rows = engines["django"].from_string(STOCK_ROWS)

    def ours(rows: int) -> Callable[[], object]:
        return lambda: render_to_string(
            "transactions/_rows.html",
            {
                "rows": transaction_rows.rows(transaction_rows.newest(user.transactions.all(), rows)),
                "where": True,
                "with_day": True,
            },
        )

    def stock(rows: int) -> Callable[[], object]:
        return lambda: stock_rows.render({"movements": newest.select_related("plan")[:rows]})

    few, many, stock_few, stock_many = in_turns(
        FEWER_ROUNDS,
        *(ours(FEW_ROWS), ours(MANY_ROWS), stock(FEW_ROWS), stock(MANY_ROWS)),
        clock=time.thread_time,
    )
    own, their = ((many - few), (stock_many - stock_few))
    detail = f"{own / (MANY_ROWS - FEW_ROWS) * 1e6:.0f} µs : {their / (MANY_ROWS - FEW_ROWS) * 1e6:.0f} µs"
    yield Figure("each further row : a stock select_related row", own / their, "x", detail, at_most=0.5)


def _with_many(rows: int, series: str) -> User:
    """Return a user with this many payments into four plans, one per minute until now."""
    user, product = factories.make_user(name="Much"), factories.make_product()
    plans = [factories.make_plan(user, product).pk for _ in range(4)]
    values: dict[str, Any] = {
        "series": series,
        "user": user.pk,
        "plans": plans,
        "count": len(plans),
        "rows": rows,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LIST, values)
        cursor.execute("VACUUM ANALYZE savings_transaction")
    return user


def _far_down(application: Any) -> Iterator[Figure]:
    """Page 10,000 of a list compared with its first page, in wall time, because the database does the work."""
    user = _with_many(LONG_LIST, "FAR")
    oldest = user.transactions.order_by("id")
    before = oldest.values_list("pk", flat=True)[LONG_LIST - keyset.PAGE_SIZE * 9_999]
    browser = Browser(user, application)
    pages = [_made_anew(browser, f"/transactions/{query}") for query in ("", f"?before={before}")]
    first, far = in_turns(ROUNDS, *pages)
    # The same rows and queries; page 10,000 has one more link, to newer rows.
    yield _ratio("page 10,000 of a list : page 1", far, first, 1.05)


def _made_anew(browser: Browser, address: str) -> Callable[[], object]:
    page = browser.getting(address)

    def made_anew() -> None:
        settings.KEEPS_PAGES = False
        page()
        settings.KEEPS_PAGES = True

    return made_anew


def _naive() -> Iterator[Figure]:
    """The warm transactions page, compared with the naive page of the lab."""
    user = _with_many(MANY_TRANSACTIONS, "MUC")
    with ExitStack() as stack:
        people = [stack.enter_context(asking(user)) for _ in range(AT_ONCE)]
        some = [
            (
                Asker.per_second(people, "/transactions/", FEWER_ROUNDS),
                Asker.per_second(people, "/bench/lab/naive/", FEWER_ROUNDS // 10),
            )
            for _ in range(NAIVE_TURNS + 1)
        ]
    # The first turn is for what happens once.
    kept, naive = (statistics.median(values) for values in zip(*some[1:], strict=True))
    what = f"requests per second, transactions at {MANY_TRANSACTIONS:,} : the same page written naively"
    yield Figure(what, kept / naive, "x", f"{kept:.0f}/s : {naive:.0f}/s, {AT_ONCE} at once", at_least=20)


def _apm(user: User) -> Iterator[Figure]:
    """The cost of Elastic APM at its default sampling, including its sending thread, on the cheapest page."""
    with (
        apm_intake.running() as intake,
        asking(user) as without,
        asking(user, ELASTIC_APM_SERVER_URL=intake.url) as with_apm,
    ):
        seconds = [0.0, 0.0]
        for turn in range(APM_TURNS + 1):
            for index, asker in enumerate((without, with_apm)):
                spent = asker.ask("/dashboard/", FEWER_ROUNDS)
                # The first turn is for what happens once.
                seconds[index] += spent if turn else 0
    sampled = len(intake.events("transaction"))
    asked = (APM_TURNS + 1) * FEWER_ROUNDS
    detail = f"{sampled} of {asked} sampled"
    yield Figure("APM at its default sampling : off", seconds[1] / seconds[0], "x", detail, at_most=1.35)


def _mail(application: Any) -> Iterator[Figure]:
    """The return from the provider after a payment, with a receipt by email and without."""
    paystack.transport = httpx.MockTransport(_provider)
    people = [factories.make_user(wants_receipts=wants) for wants in (True, False)]
    actions = [_coming_back(user, Browser(user, application)) for user in people]
    with_mail, without = in_turns(FEWER_ROUNDS, *actions, clock=time.thread_time)
    yield _ratio("a request that sends a mail : the same without", with_mail, without, 1.1)


def _coming_back(user: User, browser: Browser) -> Callable[[], object]:
    plan = factories.make_plan(user)
    waiting = [
        payments.start_payment(
            user,
            plan=plan,
            amount_kobo=500_00,
            reference=references.new(Transaction.Kind.TOP_UP),
        ).transaction.reference
        for _ in range(FEWER_ROUNDS + 3)
    ]
    next_one = count()

    def coming_back() -> None:
        answer = browser.get(f"/payments/return/{waiting[next(next_one)]}/")
        assert answer.status == 302, answer.status

    return coming_back


def _provider(request: httpx.Request) -> httpx.Response:
    """Replace the provider at no cost: every payment succeeds."""
    if request.url.path.endswith("/initialize"):
        reference = json.loads(request.content)["reference"]
        data: dict[str, Any] = {"reference": reference, "authorization_url": "https://pay.example.com/"}
    else:
        data = {
            "reference": request.url.path.rpartition("/")[2],
            "status": "success",
            "amount": 500_00,
            "currency": settings.CURRENCY,
        }
    return httpx.Response(200, json={"status": True, "message": "", "data": data})


def _ratio(what: str, seconds: float, of_seconds: float, at_most: float | None = None) -> Figure:
    detail = f"{seconds * 1000:.2f} ms : {of_seconds * 1000:.2f} ms"
    return Figure(what, seconds / of_seconds, "x", detail, at_most=at_most)


if __name__ == "__main__":
    sys.exit(main())
