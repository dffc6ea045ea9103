"""The sentences about leaderboards that savers and staff see."""

from __future__ import annotations

SUM_TOO_LARGE = "That amount is too large for the circle’s leaderboard. Enter a smaller one."
