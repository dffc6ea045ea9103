"""A member's rank in a running circle, for the page of their plan."""

from __future__ import annotations

from typing import NamedTuple

from savings import leaderboards
from savings.models import Membership
from web.messages import leaderboards as messages


class RankInCircle(NamedTuple):
    """A member's rank in words, and the version of the board that it is from; empty for a member without a rank."""

    rank: str
    version: int


def rank_in_circle(mine: Membership) -> RankInCircle:
    """Return a member's rank by the amount saved, such as `3rd of 24`. Then reads the name of their circle again.

    The board is read before the name, so `version` is not newer than anything shown.
    """
    board = leaderboards.read_board(circle_id=mine.circle_id, membership_id=mine.pk, length=0)
    mine.circle.refresh_from_db(fields=["name"])
    line = board.mine
    in_words = leaderboards.in_words(line.rank, is_shared=board.is_tied) if line else ""
    rank = messages.rank_of(in_words, board.size, board.members) if in_words else ""
    return RankInCircle(rank, board.version)
