"""Leaderboards of circles: sorted sets in Redis, rebuilt from SQL, and read from SQL while Redis is away."""

from savings.leaderboards.contributions import (
    BOARD_WRITE_KIND,
    NOT_COUNTED,
    RANK_CHECK_KIND,
    bump_circle_version,
    record_contribution,
    record_membership_change,
    write_to_board,
)
from savings.leaderboards.history import DailyRank, ranks_by_day, record_day, record_days
from savings.leaderboards.pages import TOP, Board, Line, Order, Rank, board_missing, read_board, read_ranks
from savings.leaderboards.progress import (
    Progress,
    build_progress,
    events_of,
    left_out_of,
    progress_of,
    progress_of_all,
)
from savings.leaderboards.ranks import in_words, is_notable_change, ordinal
from savings.leaderboards.rebuild import load_board, rebuild_board, reconcile_all
from savings.leaderboards.redis_client import CallSkipped, call_redis, command_sent
from savings.leaderboards.redis_client import Client as RedisClient
from savings.leaderboards.sql import ranks_if_taken
from savings.leaderboards.standings import Standing
from savings.leaderboards.store import (
    BoardClient,
    BoardsUnavailable,
    are_trusted,
    board_keys,
    delete_all_boards,
    delete_whole_board,
    ping,
    version,
    week_of,
)
from savings.leaderboards.store import write as write_standing

__all__ = [
    "BOARD_WRITE_KIND",
    "NOT_COUNTED",
    "RANK_CHECK_KIND",
    "TOP",
    "Board",
    "BoardClient",
    "BoardsUnavailable",
    "CallSkipped",
    "DailyRank",
    "Line",
    "Order",
    "Progress",
    "Rank",
    "RedisClient",
    "Standing",
    "are_trusted",
    "board_keys",
    "board_missing",
    "build_progress",
    "bump_circle_version",
    "call_redis",
    "command_sent",
    "delete_all_boards",
    "delete_whole_board",
    "events_of",
    "in_words",
    "is_notable_change",
    "left_out_of",
    "load_board",
    "ordinal",
    "ping",
    "progress_of",
    "progress_of_all",
    "ranks_by_day",
    "ranks_if_taken",
    "read_board",
    "read_ranks",
    "rebuild_board",
    "reconcile_all",
    "record_contribution",
    "record_day",
    "record_days",
    "record_membership_change",
    "version",
    "week_of",
    "write_standing",
    "write_to_board",
]
