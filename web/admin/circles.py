"""Circles for staff: read-only, because their owners manage them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from savings import backoffice, leaderboards, money, tasks
from savings.exceptions import Refused
from savings.models import BoardDay, Circle, CircleEvent, DigestLine, Membership, ToldPlaces
from web.admin import shown
from web.admin.base import EVERYWHERE, ConditionFilter, OfOne, OfUser, ReadOnlyAdmin
from web.messages import backoffice_people as messages
from web.pages import badges
from web.pages.row_titles import title_of
from web.staff_site import staff

# The rows of a circle, to which its own page leads too.
_BY_SLUG = "Last part of a circle’s URL"


class CircleState(ConditionFilter):
    title = "state"
    parameter_name = "state"
    # Limited to running circles, which have an index.
    conditions = {
        "without_owner": ("Owner’s account is closed", lambda rows: rows & Circle.objects.without_owner())
    }


class OfCircle(OfOne):
    """The rows of one circle."""

    title = "circle"
    parameter_name = "circle"


@admin.register(Circle)
class CircleAdmin(ReadOnlyAdmin):
    list_display = ("name", "goal", "owner", "state", "joining", "starts_on", "ends_on", "rows")
    phone_parts = {"ends_on": "when"}
    list_filter = (CircleState,)
    relations = ("owner", "product")
    finds_by = ("slug", "email")
    user_path = "owner"
    search_help_text = "Last part of a circle’s URL, or the full email address of its owner"
    # Without the invite code, which is a secret.
    fields = (
        "saved",
        "goal_kobo",
        "members",
        "state",
        "owner",
        "rows",
        "days",
        "product",
        "description",
        "starts_on",
        "ends_on",
        "joining",
        "member_limit",
        "created_at",
        "settled_at",
        "final_kobo",
        "early_exit",
        "penalty_bps",
        "notice_hours",
        "interest_paid",
        "rates",
        "min_target_kobo",
        "product_description",
        "digested_week",
        "slug",
    )
    head = ("saved", "goal_kobo", "members", "state", "owner")
    folded = ("min_target_kobo", "product_description", "digested_week")
    actions = ("rebuild",)

    def has_rebuild_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("savings.change_circle")

    @admin.action(description="Rebuild the leaderboard", permissions=["rebuild"], location=EVERYWHERE)
    def rebuild(self, request: HttpRequest, chosen: QuerySet[Circle]) -> None:
        def act(circle: Circle) -> str:
            if not tasks.nudge(tasks.rebuild_board, circle.pk):
                raise Refused(messages.NO_WORKER)
            backoffice.record_rebuild(circle, by=staff(request))
            return "the leaderboard is being rebuilt"

        self.do_to_each(request, chosen, act)

    @admin.display(description="Who is in it")
    def rows(self, circle: Circle) -> SafeString:
        members, events = (_list_of(circle, name) for name in ("membership", "circleevent"))
        return format_html('<a href="{}">Members</a>, <a href="{}">events</a>', members, events)

    @admin.display(description="Leaderboards by day")
    def days(self, circle: Circle) -> SafeString:
        return format_html('<a href="{}">All days</a>', _list_of(circle, "boardday"))

    @admin.display
    def saved(self, circle: Circle) -> str:
        if circle.final_kobo is not None:
            return money.naira(circle.final_kobo)
        found = circle.memberships.current().aggregate(kobo=Sum("saved_kobo", default=0))
        return money.naira(found["kobo"])

    @admin.display
    def members(self, circle: Circle) -> int:
        return circle.memberships.current().count()

    @admin.display
    def state(self, circle: Circle) -> SafeString:
        today = timezone.localdate()
        if circle.has_ended(today):
            return badges.badge("ended", "Ended")
        if not circle.owner.is_active:
            return badges.badge("waiting", "Owner’s account is closed")
        is_running = circle.starts_on <= today
        return badges.badge("active", "Running") if is_running else badges.badge("going", "Not begun")

    @admin.display
    def goal(self, circle: Circle) -> str:
        return money.naira(circle.goal_kobo)


def _list_of(circle: Circle, model: str) -> str:
    return f"{reverse(f'admin:savings_{model}_changelist')}?circle={circle.pk}"


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("nickname", "user", "circle", "saved", "on_board", "hides_amount", "joined_at", "left_at")
    list_filter = (OfUser, OfCircle)
    relations = ("circle__owner", "user", "plan")
    finds_by = ("email",)
    search_help_text = "Full email address"
    fields = (
        "saved",
        "saved_this_week",
        "user",
        "circle",
        "plan",
        "nickname",
        "on_board",
        "hides_amount",
        "joined_at",
        "left_at",
        "final_rank",
        "reached_at",
        "version",
    )
    head = ("saved", "saved_this_week", "user", "circle")
    folded = ("reached_at",)
    actions = ("appoint",)

    @admin.display(description="Saved this week")
    def saved_this_week(self, membership: Membership) -> str:
        is_counted = membership.week == leaderboards.week_of(timezone.localdate())
        return money.naira(membership.saved_kobo - membership.week_start_kobo if is_counted else 0)

    def fits(self, row: Membership, action: str) -> bool:
        return row.left_at is None and not row.circle.owner.is_active

    @admin.display
    def saved(self, membership: Membership) -> str:
        return money.naira(membership.saved_kobo)

    def has_appoint_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("savings.change_circle")

    @admin.action(
        description="Make owner of the circle, if its owner’s account is closed",
        permissions=["appoint"],
        location=EVERYWHERE,
    )
    def appoint(self, request: HttpRequest, chosen: QuerySet[Membership]) -> None:
        def act(membership: Membership) -> str:
            backoffice.appoint_owner(membership, by=staff(request))
            return f"{membership} is the owner now"

        self.do_to_each(request, chosen.select_related("circle"), act)

    def name_in_messages(self, row: Membership) -> str:
        return str(row.circle)


@admin.register(CircleEvent)
class CircleEventAdmin(ReadOnlyAdmin):
    list_display = ("title", "amount", "circle", "transaction", "happened_at")
    phone_parts = {"transaction": ""}
    fields = ("title", "amount", "circle", "membership", "transaction", "happened_at")
    head = ("amount", "circle", "membership", "happened_at")
    list_filter = (OfCircle,)
    relations = ("circle", "membership", "transaction")
    finds_by = ("circle__slug",)
    search_help_text = _BY_SLUG
    user_path = ""

    @admin.display
    def amount(self, event: CircleEvent) -> str:
        return shown.naira(event.transaction.amount_kobo if event.transaction else None)

    @admin.display(description="What")
    def title(self, event: CircleEvent) -> str:
        return title_of(event)


@admin.register(ToldPlaces)
class ToldPlacesAdmin(ReadOnlyAdmin):
    """The state of the board at the last rank mails of a circle."""

    list_display = ("circle", "members", "first")
    relations = ("circle",)
    user_path = ""

    @admin.display(description="Ranks in the mail")
    def members(self, told: ToldPlaces) -> int:
        return len(told.lines)

    @admin.display(description="The first had saved")
    def first(self, told: ToldPlaces) -> str:
        # The membership, its rank and its amount, best first.
        return shown.naira(told.lines[0][2] if told.lines else None)


@admin.register(DigestLine)
class DigestLineAdmin(ReadOnlyAdmin):
    """The content of weekly mails that are not written yet."""

    list_display = ("user", "membership", "week", "place", "place_before", "change")
    relations = ("user", "membership")
    finds_by = ("email",)
    search_help_text = "Full email address"

    @admin.display
    def change(self, line: DigestLine) -> str:
        return money.signed(line.change_kobo)


@admin.register(BoardDay)
class BoardDayAdmin(ReadOnlyAdmin):
    list_display = ("circle", "day", "size", "first")
    change_form_template = "admin/board_day.html"
    fields = (*list_display, "taken_at")
    head = ("size", "day", "circle")
    list_filter = (OfCircle,)
    relations = ("circle",)
    finds_by = ("circle__slug",)
    search_help_text = _BY_SLUG
    user_path = ""

    @admin.display(description="The first had saved")
    def first(self, board: BoardDay) -> str:
        # Pairs of a rank and an amount, best first.
        return shown.naira(board.marks[0][1] if board.marks else None)
