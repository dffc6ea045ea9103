"""Circles: users who save for one goal, each in a plan of their own, and their ranks."""

from __future__ import annotations

import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.utils import timezone

from savings import typed_text
from savings.models.keys import Keyed, KeyedQuerySet, KeyField
from savings.models.plans import CopiedTerms, EarlyExit, InterestPaid

# The score of a Redis sorted set is a double: integers are exact below this.
SCORE_LIMIT_KOBO = 2**53


class CircleQuerySet(KeyedQuerySet["Circle"]):
    def public(self) -> Self:
        """Circles that any user may find and join."""
        return self.filter(joining=Circle.Joining.OPEN)

    def without_owner(self) -> Self:
        """Circles that have not been settled although their owner's account is closed."""
        return self.filter(settled_at__isnull=True, owner__is_active=False)


class Circle(CopiedTerms, Keyed):
    """A goal that users save for together until an end date.

    Each member's plan is opened on the terms that the product had on the day the circle started.
    """

    class Joining(models.TextChoices):
        OPEN = "open", "Public: anyone can find and join"
        INVITATION = "invitation", "Invite only"
        CLOSED = "closed", "Closed to new members"

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=60)
    # The search key of the directory of circles.
    name_search = KeyField("name", typed_text.search_key)
    description = models.CharField(max_length=300, blank=True, default="")
    # The product of every member's plan in the circle. Its terms are copied below and in `CopiedTerms`.
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
    # Yearly rates by term, shortest first: pairs of the term in days from which a rate applies, and basis points.
    rates = models.JSONField(blank=True, default=list, db_default=models.Value([], models.JSONField()))
    goal_kobo = models.BigIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_circles"
    )
    joining = models.CharField(max_length=10, choices=Joining, default=Joining.INVITATION)
    # The secret part of the invite link. After it is rotated, the old link stops working.
    invite_code = models.CharField(max_length=32, unique=True)
    # Empty: no limit.
    member_limit = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # The Monday of the last week whose weekly mails have been prepared.
    digested_week = models.DateField(null=True, blank=True, editable=False)
    # When the final ranks were fixed, on the end date or later, and the total the members had saved by then (kobo).
    settled_at = models.DateTimeField(null=True, blank=True)
    final_kobo = models.BigIntegerField(null=True, blank=True)
    # The id of the last member who got the mail about the end. Empty while nobody has to be mailed (any more).
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
            # Running circles, whose leaderboards are stored daily, and circles that are due to be settled.
            models.Index(fields=["ends_on"], name="circle_unsettled", condition=Q(settled_at__isnull=True)),
            # Circles whose members still have to be mailed about the end.
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
        """Members with a rank, best first: on the leaderboard and with savings above zero."""
        return (
            self.current().filter(on_board=True, saved_kobo__gt=0).order_by("-saved_kobo", "reached_at", "id")
        )


def shares_rank(prefix: str = "") -> Case:
    """Return an annotation: whether others have the final rank of a member. `prefix` leads to the membership.

    Not for a circle without a limit of members: no index has the ranks, and all of its members would be read. Nothing
    of this changes after the end, also when members leave, except the limit, whose change touches the ranked users.
    """
    others = Membership.objects.exclude(pk=OuterRef(f"{prefix}pk")).filter(
        circle_id=OuterRef(f"{prefix}circle_id"), final_rank=OuterRef(f"{prefix}final_rank")
    )
    is_ranked = {f"{prefix}final_rank__isnull": False, f"{prefix}circle__member_limit__isnull": False}
    return Case(When(**is_ranked, then=Exists(others)), default=False)


class Membership(Keyed):
    """One user in one circle: their plan there, the amount saved, and how other members see them."""

    circle = models.ForeignKey(Circle, on_delete=models.PROTECT, related_name="memberships", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    plan = models.OneToOneField("savings.Plan", on_delete=models.PROTECT, related_name="membership")
    nickname = models.CharField(max_length=30)
    # The keys for comparing nicknames and for searching a leaderboard; see `savings.typed_text`.
    nickname_key = KeyField("nickname", typed_text.key)
    nickname_search = KeyField("nickname", typed_text.search_key)
    hides_amount = models.BooleanField(default=False)
    on_board = models.BooleanField(default=True)
    # Contributions less withdrawals and reversals, in kobo; interest never counts. `leaderboards.record_contribution`
    # changes it in the transaction of the posting, and `check_ledger` compares it with the entries.
    saved_kobo = models.BigIntegerField(default=0)
    # When `saved_kobo` reached its present value: in a tie, the member who reached it first is listed first.
    reached_at = models.DateTimeField(default=timezone.now)
    # `saved_kobo` at the start of the week and of the month in which it last changed: the savings since are the
    # difference.
    week = models.DateField(null=True, blank=True)
    week_start_kobo = models.BigIntegerField(default=0)
    month = models.DateField(null=True, blank=True)
    month_start_kobo = models.BigIntegerField(default=0)
    # Incremented by every change that the leaderboard shows, so that Redis never replaces a newer state by an older.
    version = models.BigIntegerField(default=0)
    # The rank when the circle ended, shared in a tie. Empty before, and for members without a rank.
    final_rank = models.PositiveIntegerField(null=True, blank=True)
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(saved_kobo__gt=-SCORE_LIMIT_KOBO, saved_kobo__lt=SCORE_LIMIT_KOBO),
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
            # The leaderboard from SQL while Redis has none, and its rebuild in order.
            models.Index(
                fields=["circle", "-saved_kobo", "reached_at", "id"],
                name="membership_board",
                condition=Q(left_at__isnull=True, on_board=True, saved_kobo__gt=0),
            ),
            # A circle's members in keyset pages.
            models.Index(fields=["circle", "id"], name="membership_of_circle"),
            # The search for a member on a leaderboard, without tone marks.
            models.Index(
                fields=["circle", "nickname_search"],
                name="membership_by_nickname",
                condition=Q(left_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.nickname


class CircleEvent(models.Model):
    """An event in a circle's feed.

    The amount is that of its transaction, and shown only if the member shows their amounts.
    """

    class Kind(models.TextChoices):
        STARTED = "started", "started the circle"
        JOINED = "joined", "joined"
        SAVED = "saved", "saved"
        LEFT = "left", "left"
        REMOVED = "removed", "was removed"
        HANDED_OVER = "handed_over", "now runs the circle"
        WON = "won", "came first"
        REACHED_GOAL = "goal", "reached their own goal"

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
