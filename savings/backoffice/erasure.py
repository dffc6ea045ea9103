"""Erasing a person's data after their account is closed: a pseudonym stays, with the rows of the ledger.

Each step erases one kind of data and says what it did. All steps are one commit; `erasure_work` deletes files, and bank
accounts at the provider, after it. docs/staff.md says what stays and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import batched
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.db.transaction import atomic
from django.utils import timezone

from savings import circles
from savings.backoffice import audit, closing, erasure_work, messages
from savings.backoffice.people import record
from savings.backoffice.person_exports import exports_of
from savings.backoffice.personal_data import SIGN_IN_ROWS
from savings.exceptions import Refused
from savings.models import (
    Case,
    DigestLine,
    Dispute,
    EmailChange,
    Membership,
    OutboxRow,
    Payment,
    Payout,
    Plan,
    Recipient,
    SavedCard,
    StaffExport,
    StaffNote,
    StaffRequest,
    Transaction,
    User,
    WebhookEvent,
)

ERASED = "[erased]"
_AT_ONCE = 500


def check_can_erase(user: User) -> None:
    """Raise Refused for an account that is not closed, that holds or awaits something again, or is erased already."""
    if user.erased_at is not None:
        raise Refused(messages.ERASED_ALREADY)
    if user.closed_at is None:
        raise Refused(messages.CLOSE_FIRST)
    if found := [obstacle for obstacle in closing.obstacles(user) if obstacle.row != "request"]:
        raise Refused(" ".join(obstacle.text for obstacle in found))
    if SavedCard.objects.filter(user=user, deactivated_at=None).exists():
        raise Refused(messages.CARDS_NOT_DEACTIVATED)


def erase(user_id: int, *, by: User) -> list[str]:
    """Erase a person's data, and return what was erased, a sentence for each kind.

    Raises Refused as `check_can_erase`.
    """
    with atomic():
        User.objects.touch(user_id)
        user = User.objects.get(pk=user_id)
        check_can_erase(user)
        done = [step(user) for step in _STEPS]
        record(audit.Verb.DATA_ERASED, user, by, " ".join(text for text in done if text))
    return done


def _mails(user: User) -> str:
    """Before the sign-in rows: mails to an address without an account are found by the addresses."""
    addresses = {user.email}
    for old, new in EmailChange.objects.filter(user=user).values_list("old_email", "new_email"):
        addresses |= {old, new}
    rows = OutboxRow.objects.filter(Q(user=user) | Q(user=None, to__in=addresses))
    now = timezone.now()
    rows.filter(due_at__isnull=False).update(due_at=None, done_at=now)
    return messages.erased_mails(
        rows.update(
            payload={}, to="", subject=messages.ERASED_MAIL, text="", html="", error="", traceparent=""
        )
    )


def _sign_in(user: User) -> str:
    for model in SIGN_IN_ROWS:
        model._base_manager.filter(user=user).delete()
    User.objects.filter(pk=user.pk).update(
        name=messages.pseudonym(user.pk),
        email=f"erased-{user.pk}@invalid",
        password=make_password(None),
        theme="",
        last_login=None,
        is_staff=False,
        is_superuser=False,
        erased_at=timezone.now(),
        **dict.fromkeys(_switches(), False),
    )
    user.groups.clear()
    user.user_permissions.clear()
    return messages.ERASED_SIGN_IN


def _switches() -> list[str]:
    return [field.name for field in User._meta.concrete_fields if field.name.startswith("wants_")]


def _statements(user: User) -> str:
    files = [name for name in user.statements.values_list("file_name", flat=True) if name]
    for export in exports_of(user):
        files += [export.file_name] if export.file_name else []
    exports_of(user).update(state=StaffExport.State.EXPIRED, file_name="")
    count, _ = user.statements.all().delete()
    user.statement_subscriptions.all().delete()
    erasure_work.add_files(user, files)
    return messages.erased_statements(count)


def _events(user: User) -> str:
    """Erase what the provider's events say about the person's payments and withdrawals."""
    references = Transaction.objects.filter(user=user).values_list("reference", flat=True)
    count = 0
    for part in batched(references.iterator(_AT_ONCE), _AT_ONCE, strict=False):
        named = [*part, *(reference.lower() for reference in part)]
        events = WebhookEvent.objects.filter(reference__in=named)
        count += events.update(body="{}", note="", error="", traceparent="")
    return messages.erased_events(count)


def _payments(user: User) -> str:
    rows = Payment.objects.filter(transaction__user=user)
    rows.update(checkout_url="", provider_message="", card="", card_country="", mandate="", mandate_device="")
    # The evidence that was sent has the name and the address of the payer.
    disputes = Dispute.objects.filter(payment__transaction__user=user)
    disputes.update(answer_message="", answer_details=None, answer_error="")
    cards = SavedCard.objects.filter(user=user)
    for card_id in cards.values_list("pk", flat=True):
        SavedCard.objects.filter(pk=card_id).update(
            authorization_code=f"erased-{card_id}",
            email=f"erased-{user.pk}@invalid",
            signature="",
            brand=ERASED,
            last4="",
            expires_on=None,
            bank="",
            country="",
            name="",
            mandate="",
            mandate_device="",
        )
    return messages.ERASED_CARDS


def _recipients(user: User) -> str:
    Payout.objects.filter(user=user).update(provider_message="", staff_note="")
    recipients = list(Recipient.objects.filter(user=user).order_by("id"))
    at_provider = erasure_work.add_recipients(user, recipients)
    for recipient in recipients:
        Recipient.objects.filter(pk=recipient.pk).update(
            code=f"erased-{recipient.pk}",
            bank_code="",
            bank_name=ERASED,
            account_number="",
            account_name=ERASED,
        )
    return messages.erased_recipients(at_provider)


def _plans(user: User) -> str:
    for plan_id in Plan.objects.filter(user=user).values_list("pk", flat=True):
        Plan.objects.filter(pk=plan_id).update(name=messages.plan_pseudonym(plan_id))
    return messages.ERASED_PLANS


def _circles(user: User) -> str:
    circles.erase_member(user, nickname=messages.member_pseudonym)
    DigestLine.objects.filter(user=user).delete()
    return messages.ERASED_CIRCLES


def _staff_texts(user: User) -> str:
    StaffNote.objects.filter(Q(saver=user) | Q(case__saver=user)).update(text=ERASED)
    Case.objects.filter(saver=user).update(summary=ERASED, outcome=ERASED)
    # The request to erase stays: it says who asked, and why.
    rows = StaffRequest.objects.filter(saver=user).exclude(action="erase")
    rows.update(reason=ERASED, answer="")
    return messages.ERASED_STAFF_TEXTS


def _admin_log(user: User) -> str:
    """Erase the names in Django's own log of the admin, for each kind of row about the person."""
    rows: list[tuple[type[Any], Iterable[int]]] = [
        (User, [user.pk]),
        *(
            (model, model._base_manager.filter(**{path: user.pk}).values_list("pk", flat=True))
            for model, path in _LOGGED
        ),
    ]
    for model, ids in rows:
        content_type = ContentType.objects.get_for_model(model)
        for part in batched(ids, _AT_ONCE, strict=False):
            entries = LogEntry.objects.filter(
                content_type=content_type, object_id__in=[str(pk) for pk in part]
            )
            entries.update(object_repr=ERASED, change_message="")
    return ""


_LOGGED: list[tuple[type[Any], str]] = [
    (Plan, "user"),
    (Recipient, "user"),
    (SavedCard, "user"),
    (Membership, "user"),
    (Payout, "user"),
    (Payment, "transaction__user"),
]
_STEPS: list[Callable[[User], str]] = [
    _mails,
    _admin_log,
    _sign_in,
    _statements,
    _events,
    _payments,
    _recipients,
    _plans,
    _circles,
    _staff_texts,
]
