"""Circles: members who save towards one goal, their owner, nicknames, mails about ranks, and the end."""

from savings.circles.details import cleaned_code
from savings.circles.digests import prepare_digests, write_digests
from savings.circles.ending import end_due_circles, notify_members
from savings.circles.joining import closed_because, directory, join, start_circle
from savings.circles.members import change_appearance, leave
from savings.circles.nicknames import LONGEST_NICKNAME, find_member
from savings.circles.owners import (
    edit_circle,
    end_memberships,
    erase_member,
    hand_over,
    make_owner,
    remove_member,
    replace_closed_owners,
    rotate_code,
)
from savings.circles.rank_changes import check_ranks, deliver_rank_check, send_rank_change

__all__ = [
    "LONGEST_NICKNAME",
    "change_appearance",
    "check_ranks",
    "cleaned_code",
    "closed_because",
    "deliver_rank_check",
    "directory",
    "edit_circle",
    "end_due_circles",
    "end_memberships",
    "erase_member",
    "find_member",
    "hand_over",
    "join",
    "leave",
    "make_owner",
    "notify_members",
    "prepare_digests",
    "remove_member",
    "replace_closed_owners",
    "rotate_code",
    "send_rank_change",
    "start_circle",
    "write_digests",
]
