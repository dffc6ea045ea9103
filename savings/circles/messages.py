"""The sentences about circles that members, staff and readers of mails see."""

from __future__ import annotations

from django.utils.translation import ngettext

from savings import leaderboards, money

# Starting and editing a circle.
NAME_MISSING = "Give the circle a name."
END_NOT_IN_FUTURE = "Choose a day in the future."
GOAL_IS_FINAL = "This circle has ended, so its goal can’t change."

# Joining.
ALREADY_MEMBER = "You’re already in this circle."
CIRCLE_ENDED = "This circle has ended."
NO_NEW_MEMBERS = "This circle takes no new members."
INVITATION_INVALID = "This invitation is no longer valid. Ask for a new link."

# Nicknames.
NICKNAME_MISSING = "Enter a nickname."
NICKNAME_HAS_HIDDEN_CHARACTERS = "This has invisible characters. Type the name again."
NICKNAME_IS_EMAIL = "The whole circle sees this. Use a name, not an email address."
NICKNAME_JUST_TAKEN = "Someone in this circle has just taken that name. Choose another."

# Being a member, and leaving.
NOT_A_MEMBER = "You’re no longer in this circle."
RANKING_IS_FINAL = "This circle has ended, and its ranking is final."
OWN_PLAN_NOT_EMPTY = "There’s still money in your plan in this circle. Move it to your stash first."
MEMBERS_PLAN_NOT_EMPTY = "There’s still money in their plan in this circle. They have to move it out first."

# Running a circle.
NOT_OWNER = "You no longer run this circle."
OWNER_CANNOT_LEAVE = "You run this circle. Hand it over to another member before you leave."
OWNER_CANNOT_BE_REMOVED = "You can’t remove the owner. Hand the circle over first."
OWNER_MUST_BE_MEMBER = "Only a member can run the circle."
HAS_OWNER = "Someone already runs this circle, or it has ended."


def description_too_long(longest: int) -> str:
    return f"Use at most {longest} characters."


def goal_out_of_range(most_kobo: int) -> str:
    return f"Enter a goal above zero, up to {money.short(most_kobo)}."


def ends_too_soon(least_days: int) -> str:
    return ngettext(
        "This circle ends too soon to join: its plans run for at least %(days)d day.",
        "This circle ends too soon to join: its plans run for at least %(days)d days.",
        least_days,
    ) % {"days": least_days}


def circle_full(member_limit: int) -> str:
    return ngettext(
        "This circle is full: it has %(members)d member.",
        "This circle is full: it has %(members)d members.",
        member_limit,
    ) % {"members": member_limit}


def nickname_taken(nickname: str) -> str:
    return f"Someone in this circle is already called {nickname}. Choose another name."


def rank_in_week(rank: int | None, rank_before: int | None) -> str:
    """Return a rank and its change in the week for the digest: `2nd, up 3`."""
    if rank is None:
        return "Not ranked"
    ordinal = leaderboards.ordinal(rank)
    if rank_before is None:
        return f"{ordinal}, new on the board"
    if rank < rank_before:
        return f"{ordinal}, up {rank_before - rank:,}"
    if rank > rank_before:
        return f"{ordinal}, down {rank - rank_before:,}"
    return f"{ordinal}, as before"
