"""Renders the lines of a leaderboard as rows ready to print, without the amounts that members hide."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from savings import money
from savings.leaderboards import Line, Order
from web.pages.board_members import Members
from web.pages.circles import initials

# The bar of a hidden amount is rounded to this step, so that its length does not reveal the amount.
_COARSE_PERCENT = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the board, ready to print. `amount` is empty if hidden."""

    id: int
    rank: str
    plinth: int
    name: str
    initials: str
    amount: str
    percent: int
    is_mine: bool
    is_hidden: bool
    moved: int | None

    @property
    def steps(self) -> int:
        return abs(self.moved or 0)


class RowRenderer:
    """Turns lines into rows, with bars relative to one amount."""

    def __init__(self, members: Members, reader_id: int | None, order: Order, lines: list[Line]) -> None:
        self.members = members
        self.reader_id = reader_id
        self.order = order
        # The bars are relative to the highest amount that the reader may see. Relative to a hidden one, the others'
        # bars would reveal it, and so would the reader's own, because the reader knows their amount.
        seen = [
            line.score for line in lines if shows_amount(members, line) or line.membership_id == reader_id
        ]
        self.whole = max(seen, default=max((line.score for line in lines), default=1)) or 1

    def rows(self, lines: list[Line], *, beyond: Sequence[Line] = (), first: int | None = None) -> list[Row]:
        """Return the rows of successive lines. `beyond` is used only to find out whether the last one is tied."""
        ranks = [line.rank for line in (*lines, *beyond)]
        if first is None:
            first = next((rank - at - 1 for at, rank in enumerate(ranks) if at and rank != ranks[at - 1]), 0)
        # A rank above the line's position is shared with a line before this page.
        before = [ranks[0]] if ranks and ranks[0] <= first else []
        tied = {rank for rank in ranks if (before + ranks).count(rank) > 1}
        return [
            self._row(line, is_tied=line.rank in tied) for line in lines if line.membership_id in self.members
        ]

    def _row(self, line: Line, *, is_tied: bool) -> Row:
        member = self.members[line.membership_id]
        is_mine = member.id == self.reader_id
        percent = max(0, min(100, line.score * 100 // self.whole))
        if member.hides_amount and not is_mine:
            percent = round(percent / _COARSE_PERCENT) * _COARSE_PERCENT
        return Row(
            id=member.id,
            rank=f"{line.rank:,}{'=' if is_tied else ''}",
            plinth=line.rank,
            name=member.nickname,
            initials=initials(member.nickname),
            amount=score_text(line.score, self.order) if is_mine or not member.hides_amount else "",
            percent=percent,
            is_mine=is_mine,
            is_hidden=member.hides_amount,
            moved=ranks_risen(line),
        )


def shows_amount(members: Members, line: Line) -> bool:
    """Return whether the member of a line shows their amount; False for a member who is not among `members`."""
    member = members.get(line.membership_id)
    return member is not None and not member.hides_amount


def ranks_risen(line: Line) -> int | None:
    """Return how many ranks a line has risen since the start of the week; None for a new line."""
    return None if line.rank_before is None else line.rank_before - line.rank


def score_text(score: int, order: Order, *, exact: bool = False) -> str:
    """Return a score as text: a percentage in the order SHARE, else an amount in whole naira unless `exact`."""
    if order == Order.SHARE:
        return f"{score // 10}.{score % 10}\u00a0%"
    return money.naira(score) if exact else money.short(score // 100 * 100)
