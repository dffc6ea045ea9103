"""Prepares the pages of circles, except the leaderboard: cards, texts and figures."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.forms import ValidationError
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from savings import leaderboards, ledger, money, plans
from savings.circles import closed_because
from savings.leaderboards import Progress, Rank, in_words
from savings.models import Circle, CircleEvent, Membership, Plan, User
from web import date_formats, keyset
from web.forms.circles import JoinForm, StartForm
from web.keyset import KeysetPage
from web.messages import circles as messages
from web.messages import plans as plan_messages
from web.pages.plan_notices import notice_sentence
from web.pages.plan_start import products_to_choose
from web.pages.plan_terms import exit_sentences, interest_off_for_new

FEED_SIZE = 10
# The numbers of members for which a new circle says what each saves, and how far ahead it may end.
_SIZES = (5, 10, 20)
# What the page shows for until a goal and an end are entered.
_EXAMPLE_GOAL_KOBO = 1_200_000_00
_FURTHEST_DAYS = 36_525
MOST_WINNERS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class CircleCard:
    """A circle's card: its progress, and the reader's part if they are a member."""

    circle: Circle
    progress: Progress
    # Of the goal, for a bar and in words, which may say more than 100.
    percent: int
    share: int
    has_ended: bool
    end_text: str
    people_text: str
    my_kobo: int | None
    # The reader's final rank in words, if the circle has ended and they have one.
    my_rank: str
    is_mine_first: bool
    # The reader's rank in words, while the circle runs.
    rank_now: str


@dataclasses.dataclass(frozen=True, slots=True)
class FeedRow:
    """An event ready to print. The amount is empty if its owner hides amounts, except from themselves."""

    id: int
    who: str
    initials: str
    what: str
    amount: str
    is_saving: bool
    is_win: bool
    is_mine: bool
    moment: datetime.datetime
    moment_text: str


def cards(circles: Iterable[Circle], mine: dict[int, Membership] | None = None) -> list[CircleCard]:
    """Return the cards of circles in at most two queries. `mine` maps circle ids to the reader's memberships."""
    circles, mine, today = list(circles), mine or {}, timezone.localdate()
    progress = leaderboards.progress_of_all(circles)
    running = [circle.pk for circle in circles if circle.pk in mine and not circle.has_ended(today)]
    ranks = leaderboards.read_ranks({pk: mine[pk].pk for pk in running})
    return [
        _card(circle, progress[circle.pk], mine.get(circle.pk), ranks.get(circle.pk)) for circle in circles
    ]


def detail(circle: Circle, mine: Membership | None, query: QueryDict, *, is_owner: bool) -> dict[str, Any]:
    """Return the context of a circle's page: for a member with their part and the activity, else the public part."""
    context: dict[str, Any] = {
        "circle": circle,
        "card": _card(circle, leaderboards.progress_of(circle), mine),
        "mine": mine,
        "is_owner": is_owner,
        "has_ended": circle.has_ended(timezone.localdate()),
        "days_left": (circle.ends_on - timezone.localdate()).days,
    }
    if mine is not None:
        context |= {
            "page": _feed(circle, query, reader_id=mine.pk),
            "plan_kobo": mine.plan.account.balance_kobo or 0,
            "invite_url": invite_url(circle),
        }
        if circle.settled_at is not None:
            context["winners"] = _winners(circle, excluding=mine)
    return context


def start(form: StartForm, user: User) -> dict[str, Any]:
    """Return the context of the page that starts a circle."""
    products = products_to_choose(
        form["product"],
        form.products,
        taxes=ledger.TaxRates.read(),
        # Of every member's plan, so that the board counts contributions only.
        interest_to=Plan.InterestTo.STASH,
    )
    # A circle has an end, so the one type that suits it is chosen already.
    folded = [dataclasses.replace(choice, is_folded=not choice.is_chosen) for choice in products]
    return {
        "form": form,
        "products": folded,
        "interest_off": interest_off_for_new(user),
        **preview(form),
    }


class Ahead(NamedTuple):
    """What each member saves in circles of several sizes, and in which payments, in words."""

    each: list[tuple[str, str]]
    payments: str


def preview(form: StartForm) -> dict[str, Any]:
    """Return what each member of a new circle saves, `None` without a goal and a coming end, and an example of it."""
    goal_kobo, ends_on, today = _clean(form, "goal"), _clean(form, "matures_on"), timezone.localdate()
    is_known = goal_kobo and ends_on is not None and 0 < (ends_on - today).days <= _FURTHEST_DAYS
    in_a_year = today + datetime.timedelta(days=ledger.DAYS_PER_YEAR)
    return {
        "ahead": _ahead(goal_kobo, ends_on, today) if is_known else None,
        "example": _ahead(_EXAMPLE_GOAL_KOBO, in_a_year, today),
        "example_goal_kobo": _EXAMPLE_GOAL_KOBO,
    }


def _ahead(goal_kobo: int, ends_on: datetime.date, today: datetime.date) -> Ahead:
    # An end within a month leaves one payment, today.
    days = ledger.monthly_days(today, ends_on) or [today]
    sums = [
        messages.each_saves(money.round_up(-(-goal_kobo // (count * len(days))), plans.STEP_KOBO), len(days))
        for count in _SIZES
    ]
    return Ahead(
        [(messages.with_members(count), text) for count, text in zip(_SIZES, sums, strict=True)],
        messages.in_payments(days),
    )


def _clean(form: StartForm, name: str) -> Any:
    """Return one field's value, or None if it is missing or invalid."""
    try:
        return form.fields[name].clean(form[name].value())
    except ValidationError:
        return None


def join(circle: Circle, form: JoinForm, action: str, user: User) -> dict[str, Any]:
    """Return the context of the join page."""
    return {
        "circle": circle,
        "card": _card(circle, leaderboards.progress_of(circle), None),
        "form": form,
        "action": action,
        "plan_text": _plan_text(circle),
        "notice_sentence": notice_sentence(circle),
        "exit_sentences": exit_sentences(circle, circle.ends_on),
        "interest_off": interest_off_for_new(user),
    }


def _plan_text(circle: Circle) -> str:
    """Return the product and the rate of the plan that a member who joins today gets."""
    term_days = (circle.ends_on - timezone.localdate()).days if circle.has_term else None
    rate_bps = ledger.rate_for_term(circle.rates, term_days)
    if rate_bps is None:
        return circle.product_name
    return plan_messages.product_and_rate(circle.product_name, rate_bps)


def invitation(circle: Circle, url: str) -> dict[str, Any]:
    """Return the context of an invitation for a visitor, who comes back to `url` after signing up or in."""
    card = _card(circle, leaderboards.progress_of(circle), None)
    come_back = urlencode({"next": url})
    return {
        "circle": circle,
        "card": card,
        "closed_because": closed_because(circle, members=card.progress.members),
        "days_left": (circle.ends_on - timezone.localdate()).days,
        "sign_in_url": f"{reverse('account_login')}?{come_back}",
        "sign_up_url": f"{reverse('account_signup')}?{come_back}" if settings.SIGNUP_OPEN else "",
    }


def invite_url(circle: Circle) -> str:
    """Return the absolute URL of a circle's invite link."""
    return settings.SITE_URL + reverse("circles:join_by_code", args=[circle.invite_code])


def initials(nickname: str) -> str:
    """Return one or two letters for a member's avatar."""
    words = nickname.split()
    return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()


def _card(
    circle: Circle, progress: Progress, mine: Membership | None, rank: Rank | None = None
) -> CircleCard:
    has_ended = circle.has_ended(timezone.localdate())
    return CircleCard(
        circle=circle,
        progress=progress,
        percent=progress.percent(circle.goal_kobo),
        share=progress.share(circle.goal_kobo),
        has_ended=has_ended,
        end_text=messages.ends_on(date_format(circle.ends_on, "j M Y"), has_ended=has_ended),
        people_text=messages.member_count(progress.members),
        my_kobo=mine.saved_kobo if mine else None,
        my_rank=_final_rank(mine) if mine else "",
        is_mine_first=bool(mine and mine.final_rank == 1),
        rank_now=in_words(rank.rank, is_shared=rank.is_shared) if rank else "",
    )


def _final_rank(mine: Membership) -> str:
    """Return a member's final rank in words; empty without one. Load the membership with `shares_rank`."""
    return in_words(mine.final_rank, is_shared=getattr(mine, "shares_rank", False))


def _winners(circle: Circle, *, excluding: Membership) -> str:
    """Return the other winners' names as a phrase; empty if there are none, or they no longer show their rank."""
    first = Membership.objects.ranked().filter(circle=circle, final_rank=1).exclude(pk=excluding.pk)
    names = list(first.values_list("nickname", flat=True)[: MOST_WINNERS + 1])
    return messages.winners(names[:MOST_WINNERS], has_more=len(names) > MOST_WINNERS)


def _feed(circle: Circle, query: QueryDict, *, reader_id: int) -> KeysetPage[FeedRow]:
    page = keyset.page(leaderboards.events_of(circle), query, size=FEED_SIZE)
    rows = [_feed_row(values, is_mine=values["membership_id"] == reader_id) for values in page.rows]
    return KeysetPage(rows, page.newer, page.older)


def _feed_row(values: dict[str, Any], *, is_mine: bool) -> FeedRow:
    kind = CircleEvent.Kind(values["kind"])
    amount_kobo = values["transaction__amount_kobo"]
    moment = timezone.localtime(values["happened_at"])
    shows_amount = is_mine or not values["membership__hides_amount"]
    return FeedRow(
        id=values["id"],
        who=messages.you(kind) if is_mine else values["membership__nickname"],
        initials=initials(values["membership__nickname"]),
        what=messages.DONE_BY_YOU.get(kind, kind.label) if is_mine else kind.label,
        amount=money.short(amount_kobo) if amount_kobo and shows_amount else "",
        is_saving=kind == CircleEvent.Kind.SAVED,
        is_win=kind == CircleEvent.Kind.WON,
        is_mine=is_mine,
        moment=moment,
        moment_text=date_formats.moment(moment),
    )
