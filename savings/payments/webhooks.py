"""Webhook events: each is stored before it is processed, so none is lost and none is processed twice."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import logging

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from savings import outbox, tracing, typed_text
from savings.exceptions import ForgedEvent, MalformedEvent, ProviderRefused, ProviderUnavailable
from savings.models import Payment, Transaction, User, WebhookEvent
from savings.payments import events, webhook_bodies
from savings.payments.provider_watch import ProviderWatch

logger = logging.getLogger(__name__)

LONGEST_BODY_BYTES = 64 * 1024
# The waits after each failed try. Their sum is longer than the provider repeats an event.
_RETRY_AFTER = [datetime.timedelta(minutes=minutes) for minutes in (1, 3, 10, 30, 120, 360, 1440, 2880)]
_LEASE = datetime.timedelta(minutes=5)
_MOST_AT_ONCE = 100
# An event comes within minutes of a payment. Older payments, and more of them, say nothing about today.
_EVENT_WITHIN, _LATELY = datetime.timedelta(minutes=30), datetime.timedelta(days=7)
_NEWEST = 200


def receive_event(body: bytes, signature: str) -> WebhookEvent:
    """Store an event unchanged and return its row. A repeated event only increases `times_received`.

    Raises ForgedEvent for a signature that is not the provider's, and MalformedEvent for more than 64 KiB or
    anything that is not an event.
    """
    if len(body) > LONGEST_BODY_BYTES:
        raise MalformedEvent("too long")
    expected = hmac.new(settings.PROVIDER_SECRET_KEY.encode(), body, hashlib.sha512).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.strip().lower().encode()):
        raise ForgedEvent("wrong signature")
    event, data, text = webhook_bodies.parse(body)
    key, reference = webhook_bodies.key_of(event, data, body), webhook_bodies.reference_of(data)
    try:
        with transaction.atomic():
            _touch_payer(reference)
            return WebhookEvent.objects.create(
                key=key,
                event=event[:60],
                reference=reference[:100],
                body=text,
                traceparent=tracing.follower.traceparent(),
            )
    except IntegrityError:
        with transaction.atomic():
            _touch_payer(reference)
            same = WebhookEvent.objects.filter(key=key)
            if not same.update(times_received=F("times_received") + 1):
                # No such event: the database refused the row for another reason.
                raise
        return WebhookEvent.objects.get(key=key)


def process_event(event_id: int) -> bool:
    """Process an event once, and return whether this call finished it.

    An error is stored on the event, and `sweep_events` tries again. After the last try the event needs staff.
    """
    return _process(event_id) is True


def sweep_events(now: datetime.datetime) -> int:
    """Process every event that is due, and return how many were finished.

    An event that cannot be processed is postponed, and the run continues. The run stops only if the provider or the
    database is down.
    """
    due = WebhookEvent.objects.filter(due_at__lte=now).order_by("due_at", "pk").values_list("pk", flat=True)
    watch = ProviderWatch()
    finished = 0
    for event_id in list(due[:_MOST_AT_ONCE]):
        if not watch.has_time():
            break
        try:
            result = _process(event_id)
        except Exception as error:
            # The error could not be stored either. The claim's lease delays the next try.
            logger.exception("event %s could not be put off", event_id)
            result = error
        if result is True:
            finished += 1
            watch.record_success()
        elif isinstance(result, Exception) and (
            watch.is_provider_away(result) or outbox.is_database_away(result)
        ):
            break
    return finished


def _process(event_id: int) -> bool | Exception:
    """Process an event. Return True if it is finished, False if it is not due, or the error that postponed it."""
    now = timezone.now()
    waiting = WebhookEvent.objects.filter(pk=event_id, due_at__lte=now)
    if not waiting.update(due_at=now + _LEASE, tries=F("tries") + 1):
        return False
    event = WebhookEvent.objects.get(pk=event_id)
    with tracing.follower.following("process_webhook_event", event.traceparent):
        try:
            note, needs_staff = events.act_on(event)
            WebhookEvent.objects.filter(pk=event_id).update(
                processed_at=timezone.now(), due_at=None, error="", note=note[:300], needs_staff=needs_staff
            )
        except Exception as error:
            tracing.follower.failed(error)
            _postpone(event, error)
            return error
    return True


def _postpone(event: WebhookEvent, error: Exception) -> None:
    """Store the error and the time of the next try; after the last try, that the event needs staff."""
    if isinstance(error, (ProviderUnavailable, ProviderRefused, events.NotYet)):
        logger.warning("event %s is put off: %s", event.pk, error)
    else:
        logger.error("event %s could not be processed", event.pk, exc_info=error)
    is_last = event.tries > len(_RETRY_AFTER)
    WebhookEvent.objects.filter(pk=event.pk).update(
        error=typed_text.describe_error(error),
        due_at=None if is_last else timezone.now() + _RETRY_AFTER[event.tries - 1],
        needs_staff=is_last,
    )


def _touch_payer(reference: str) -> None:
    """Renew the cached pages of the payer, whose receipt lists the event."""
    payer = Transaction.objects.filter(reference=reference.upper(), user__isnull=False).values("user_id")
    User.objects.touch_all(User.objects.filter(pk__in=payer))


def paid_without_event(now: datetime.datetime) -> tuple[int, datetime.datetime | None]:
    """Return how many of the newest payments were paid after the last event, and when that came; None for never."""
    last_at = WebhookEvent.objects.order_by("-pk").values_list("received_at", flat=True).first()
    since = max(last_at or now - _LATELY, now - _LATELY)
    paid = Payment.objects.order_by("-pk").values_list("paid_at", flat=True)[:_NEWEST]
    return sum(since < moment < now - _EVENT_WITHIN for moment in paid if moment), last_at
