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

from savings import outbox, references, tracing, typed_text
from savings.exceptions import ForgedEvent, MalformedEvent, ProviderRefused, ProviderUnavailable
from savings.models import Transaction, User, WebhookEvent
from savings.payments import settlement, webhook_bodies
from savings.payments.provider_watch import ProviderWatch

logger = logging.getLogger(__name__)

LONGEST_BODY_BYTES = 64 * 1024
# The waits after each failed try. Their sum is longer than the provider repeats an event.
_RETRY_AFTER = [datetime.timedelta(minutes=minutes) for minutes in (1, 3, 10, 30, 120, 360, 1440, 2880)]
_LEASE = datetime.timedelta(minutes=5)
_MOST_AT_ONCE = 100

# Events about money that no code moves automatically.
_NOT_ACTED_ON = {
    "transfer.success": "The provider says that money has left.",
    "transfer.failed": "The provider says that money could not leave.",
    "transfer.reversed": "The provider says that money has come back.",
    "refund.pending": "The provider has begun to give a payment back.",
    "refund.processing": "The provider is giving a payment back.",
    "refund.processed": "The provider has given a payment back.",
    "refund.failed": "The provider could not give a payment back.",
    "charge.dispute.create": "A payer disputes a payment.",
    "charge.dispute.remind": "A payer's dispute still waits for an answer.",
    "charge.dispute.resolve": "A payer's dispute has been resolved.",
}
# The note of a success without a reference, or with one in our form that we do not have.
_UNKNOWN = (
    "Nothing was posted: there is no such transaction here. It may be missing since a backup was restored, or belong "
    "to another installation that shares the account at the provider."
)

# The note on an event, and whether staff have to look at it.
Outcome = tuple[str, bool]


class _NotYet(Exception):
    """The provider's event and its own answer do not agree yet."""


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
            note, needs_staff = _act_on(event)
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
    if isinstance(error, (ProviderUnavailable, ProviderRefused, _NotYet)):
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


def _act_on(event: WebhookEvent) -> Outcome:
    is_payment = event.event == "charge.success"
    if not is_payment and event.event not in _NOT_ACTED_ON:
        return "Kept. Events of this kind change nothing here.", False
    is_known = _is_known(event.reference)
    if event.reference and not is_known and not references.is_ours(event.reference):
        # Usually another shop uses the same account at the provider.
        return "Kept. This is not about a transaction of ours.", False
    if not is_known:
        logger.warning("event %s is about %r, of which nothing is known here", event.pk, event.reference)
    if not is_payment:
        return f"{_NOT_ACTED_ON[event.event]} Nothing was posted for it here: a person has to decide.", True
    return _paid(event) if is_known else (_UNKNOWN, True)


def _is_known(reference: str) -> bool:
    """Return whether we have a transaction with a reference. The provider writes those of transfers in lower case.

    Earlier releases booked money under other references into suspense; events about it concern us too.
    """
    ours = [reference.upper(), settlement.reference_in_suspense(reference)]
    return bool(reference) and Transaction.objects.filter(reference__in=ours).exists()


def _paid(event: WebhookEvent) -> Outcome:
    movement = settlement.settle_payment(event.reference)
    if movement is None:
        return "Nothing was posted: this is not the reference of a payment.", True
    if movement.status == Transaction.Status.REVIEW:
        return f"Kept in suspense as {movement.reference} for a review.", True
    if not movement.is_settled:
        raise _NotYet("The event says paid, but asked about it the provider does not say so (yet).")
    return "Settled.", False
