"""Circles: people who save for one goal, each in a plan of their own, and where each of them stands."""

from __future__ import annotations

import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from savings import typed_text
from savings.models.keys import Keyed, KeyedQuerySet, KeyField
from savings.models.plans import CopiedTerms, EarlyExit, InterestPaid

# A sorted set's score is a double: whole numbers are exact below this.
MOST_KOBO = 2**53


class CircleQuerySet(KeyedQuerySet["Circle"]):
    def public(self) -> Self:
        """Those that anybody may find and join."""
        return self.filter(joining=Circle.Joining.OPEN)

    def without_owner(self) -> Self:
        """Those that run on although their owner's account is closed."""
        return self.filter(settled_at__isnull=True, owner__is_active=False)


class Circle(CopiedTerms, Keyed):
    """A goal that people save for together, until a day.

    Each member's plan is opened on the terms that the product had on the day the circle started.
    """

    class Joining(models.TextChoices):
        OPEN = "open", "Anybody may join"
        INVITATION = "invitation", "By invitation"
        CLOSED = "closed", "Nobody new"

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=60)
    # What the directory is searched by.
    name_search = KeyField("name", typed_text.search_key)
    description = models.CharField(max_length=300, blank=True, default="")
    # What every member's plan in the circle is, on the terms copied below and in `CopiedTerms`.
    product = models.ForeignKey("savings.Product", on_delete=models.PROTECT, related_name="circles")
    product_description = models.CharField(max_length=120, blank=True, default="", db_default="")
    min_target_kobo = models.BigIntegerField(default=0, db_default=0)
    early_exit = models.CharField(
        max_length=10, choices=EarlyExit, default=EarlyExit.FREE, db_default=EarlyExit.FREE
    )
    penalty_bps = models.PositiveIntegerField(default=0, db_default=0)
    notice_hours = models.PositiveIntegerField(default=0, db_default=0)
    interest_paid = models.CharField(
        max_length=10, choices=InterestPaid, default=InterestPaid.MONTHLY, db_default=InterestPaid.MONTHLY
    )
    # Yearly rates by term, shortest first: pairs of the days from which one holds and basis points.
    rates = models.JSONField(blank=True, default=list, db_default=models.Value([], models.JSONField()))
    goal_kobo = models.BigIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_circles"
    )
    joining = models.CharField(max_length=10, choices=Joining, default=Joining.INVITATION)
    # The secret part of the invite link; rotated, the old link is nothing any more.
    invite_code = models.CharField(max_length=32, unique=True)
    # Empty: as many as come.
    member_limit = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # The Monday of the last week that has been looked through for the weekly mails.
    digested_week = models.DateField(null=True, blank=True, editable=False)
    # When the final places were fixed, some time on the day it ends, and what all had saved together by then (kobo).
    settled_at = models.DateTimeField(null=True, blank=True)
    final_kobo = models.BigIntegerField(null=True, blank=True)
    # The last member who has been told of the end, by id; empty while there is nobody (any more) to tell.
    told_until = models.BigIntegerField(null=True, blank=True)

    objects = CircleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(goal_kobo__gt=0), name="circle_goal_above_zero"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="circle_ends_after_start"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, final_kobo__isnull=True, told_until__isnull=True)
                | Q(settled_at__isnull=False, final_kobo__isnull=False),
                name="circle_result_when_settled",
            ),
        ]
        indexes = [
            # The directory of public circles, newest first, in keyset pages.
            models.Index(fields=["-id"], name="circle_public", condition=Q(joining="open")),
            # Circles that run, whose boards are kept by the day, and those whose end has come.
            models.Index(fields=["ends_on"], name="circle_unsettled", condition=Q(settled_at__isnull=True)),
            # Circles whose members are still to be told of the end.
            models.Index(fields=["id"], name="circle_telling", condition=Q(told_until__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    def has_ended(self, today: datetime.date) -> bool:
        return self.ends_on <= today


class MembershipQuerySet(KeyedQuerySet["Membership"]):
    def current(self) -> Self:
        return self.filter(left_at__isnull=True)

    def ranked(self) -> Self:
        """Those with a place: on the board, with more than nothing saved, best first."""
        return (
            self.current().filter(on_board=True, saved_kobo__gt=0).order_by("-saved_kobo", "reached_at", "id")
        )


class Membership(Keyed):
    """One person in one circle: their plan there, what they have saved, and how they are shown."""

    circle = models.ForeignKey(Circle, on_delete=models.PROTECT, related_name="memberships", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    plan = models.OneToOneField("savings.Plan", on_delete=models.PROTECT, related_name="membership")
    nickname = models.CharField(max_length=30)
    # What makes two nicknames the same, and what a board is searched by; see `savings.typed_text`.
    nickname_key = KeyField("nickname", typed_text.key)
    nickname_search = KeyField("nickname", typed_text.search_key)
    hides_amount = models.BooleanField(default=False)
    on_board = models.BooleanField(default=True)
    # Contributions less withdrawals and reversals, in kobo; interest never counts. Changed in the posting's
    # transaction by `savings.leaderboards.pages.count`, and proved from entries by `check_ledger`.
    saved_kobo = models.BigIntegerField(default=0)
    # When the sum became what it is: inside a tie, who was there first comes first.
    reached_at = models.DateTimeField(default=timezone.now)
    # The sum as the week and the month began in which it last changed: what was saved since is the difference.
    week = models.DateField(null=True, blank=True)
    week_start_kobo = models.BigIntegerField(default=0)
    month = models.DateField(null=True, blank=True)
    month_start_kobo = models.BigIntegerField(default=0)
    # Moves with every change that the board shows, so that Redis takes no older word after a newer one.
    version = models.BigIntegerField(default=0)
    # The place when the circle ended, shared in a tie; empty before, and for who had none.
    final_rank = models.PositiveIntegerField(null=True, blank=True)
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(saved_kobo__gt=-MOST_KOBO, saved_kobo__lt=MOST_KOBO),
                name="membership_sum_exact_in_redis",
            ),
            models.UniqueConstraint(
                fields=["circle", "user"],
                condition=Q(left_at__isnull=True),
                name="membership_once_per_circle",
            ),
            models.UniqueConstraint(
                fields=["circle", "nickname_key"],
                condition=Q(left_at__isnull=True),
                name="nickname_once_per_circle",
            ),
        ]
        indexes = [
            # The board from SQL, while Redis has none, and its rebuild in order.
            models.Index(
                fields=["circle", "-saved_kobo", "reached_at", "id"],
                name="membership_board",
                condition=Q(left_at__isnull=True, on_board=True, saved_kobo__gt=0),
            ),
            # A circle's members in keyset pages.
            models.Index(fields=["circle", "id"], name="membership_of_circle"),
            # A member looked up on a board, without tone marks.
            models.Index(
                fields=["circle", "nickname_search"],
                name="membership_by_nickname",
                condition=Q(left_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.nickname


class CircleEvent(models.Model):
    """Something a circle's members are told of. A sum is its transaction's, and shown only where its owner shows it."""

    class Kind(models.TextChoices):
        STARTED = "started", "started the circle"
        JOINED = "joined", "joined"
        SAVED = "saved", "saved"
        LEFT = "left", "left"
        REMOVED = "removed", "was removed"
        HANDED_OVER = "handed_over", "looks after the circle now"
        WON = "won", "came first"

    circle = models.ForeignKey(Circle, on_delete=models.PROTECT, related_name="events", db_index=False)
    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    kind = models.CharField(max_length=12, choices=Kind)
    transaction = models.OneToOneField(
        "savings.Transaction", null=True, blank=True, on_delete=models.PROTECT, related_name="circle_event"
    )
    happened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="saved", transaction__isnull=False)
                | (~Q(kind="saved") & Q(transaction__isnull=True)),
                name="circle_event_sum_only_when_saved",
            ),
        ]
        indexes = [
            # A circle's activity, newest first, in keyset pages.
            models.Index(fields=["circle", "-id"], name="circle_event_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ToldPlaces(models.Model):
    """Who had which of a circle's first places when its members were last told: what has changed since is news."""

    circle = models.OneToOneField(Circle, on_delete=models.CASCADE, related_name="told_places")
    # For each line of the board, best first: the membership's id, its place, its sum in kobo.
    lines = models.JSONField(default=list)

    class Meta:
        verbose_name_plural = "told places"

    def __str__(self) -> str:
        return f"places of circle {self.circle_id}"


class DigestLine(models.Model):
    """What somebody's next weekly mail says of one circle; gone as soon as that mail is in the outbox."""

    # In this order a batch of people is read with all their circles.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="digest_lines")
    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="digest_line")
    week = models.DateField()
    # The places as the week ended and as it began; none without savings or off the board.
    place = models.IntegerField(null=True)
    place_before = models.IntegerField(null=True)
    change_kobo = models.BigIntegerField()

    def __str__(self) -> str:
        return f"week of {self.week}, membership {self.membership_id}"


class BoardDay(models.Model):
    """A circle's board as it stood when a day was over: enough of it to tell anybody's place, in one small row."""

    circle = models.ForeignKey(Circle, on_delete=models.CASCADE, related_name="board_days", db_index=False)
    day = models.DateField()
    # The moment it is of, soon after the day's end: a member's own sum is reckoned up to the same one.
    taken_at = models.DateTimeField()
    size = models.PositiveIntegerField()
    # Pairs of a rank and the score (kobo) that had it, best first: every score of the first places, then ever fewer.
    marks = models.JSONField()

    class Meta:
        constraints = [
            # Also the index of a circle's days in order.
            models.UniqueConstraint(fields=["circle", "day"], name="board_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.day} of circle {self.circle_id}"
