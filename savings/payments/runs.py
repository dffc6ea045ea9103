"""Runs over rows that need a call to the provider: one that fails is postponed, and stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from savings import outbox, typed_text
from savings.exceptions import ProviderRefused, ProviderUnavailable
from savings.payments.provider_watch import ProviderWatch

logger = logging.getLogger(__name__)


def for_each_id(
    task: str,
    ids: Iterable[int],
    do: Callable[[int], bool],
    *,
    put_off: Callable[[int, Exception], None] | None = None,
) -> int:
    """Call `do` with each id that is not postponed, and return how often it returned True.

    Each call must be safe to repeat. The run stops if the provider or the database is down, or when its time is over;
    the rest is done by the next run. `put_off` stores a call of the provider that failed, in place of a postponement.
    """
    waiting, failed = set(outbox.waiting_row_ids(task)), set(outbox.postponed_row_ids(task))
    watch = ProviderWatch()
    done = 0
    for row_id in ids:
        if row_id in waiting:
            continue
        if not watch.has_time():
            break
        try:
            done += do(row_id)
        except Exception as error:
            if not _goes_on(task, row_id, error, watch, put_off):
                break
        else:
            watch.record_success()
            if row_id in failed:
                outbox.clear_postponement(task, row_id)
    return done


def _goes_on(
    task: str,
    row_id: int,
    error: Exception,
    watch: ProviderWatch,
    put_off: Callable[[int, Exception], None] | None,
) -> bool:
    """Postpone an id that failed; return whether the next one may succeed."""
    is_away = watch.is_provider_away(error)
    if put_off is not None and isinstance(error, (ProviderUnavailable, ProviderRefused)):
        put_off(row_id, error)
        return not is_away
    if is_away:
        logger.warning("%s stops at %s: %s", task, row_id, typed_text.describe_error(error))
        return False
    return outbox.postpone(task, row_id, error) is not None
