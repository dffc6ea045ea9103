"""Export and erasure of a person's data: every table is named, and nothing that a person typed stays."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, models
from django.db.transaction import atomic
from django.utils import timezone

from savings import backoffice, mails, outbox, tasks, users
from savings.backoffice import messages
from savings.backoffice.erasure import ERASED
from savings.backoffice.personal_data import NOT_EXPORTED, TABLES
from savings.exceptions import ProviderRefused, Refused
from savings.models import (
    AuditRow,
    Device,
    Dispute,
    Entry,
    OutboxRow,
    Payment,
    Plan,
    Recipient,
    SavedCard,
    StaffExport,
    StaffNote,
    StaffRequest,
    Statement,
    Transaction,
    User,
    WebhookEvent,
)
from savings.models.keys import KeyField
from savings.payments import transfers
from tests.cards import make_card
from tests.factories import make_plan, make_user, start_circle
from tests.provider import Provider
from tests.savings.backoffice.conftest import empty_stash, make_staff
from tests.web.shelf import written
from tests.withdrawals import make_payout

pytestmark = pytest.mark.django_db
WHY = "She asked for it by email"
# A letter that no reference has.
MARK = "zqu"


@pytest.fixture
def root(db: None) -> User:
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def approver(db: None) -> User:
    return make_staff("Approver")


@pytest.fixture
def saver(db: None) -> User:
    """A saver with one of everything, whose money has left."""
    user = make_user("ada@example.com")
    users.change_email(user.pk, "ada.obi@example.com")
    user.refresh_from_db()
    make_plan(user)
    start_circle(user)
    card = make_card(user)
    Dispute.objects.create(
        payment=card.payment, provider_id=7, amount_kobo=1_000_00, resolved_at=timezone.now()
    )
    Device.objects.create(user=user, token_hash="x" * 64, label="Firefox")
    payout = make_payout(user, "paid")
    written(user)
    reference = payout.transaction.reference.lower()
    WebhookEvent.objects.create(key="k", event="transfer.success", reference=reference, body='{"a": 1}')
    case = backoffice.open_question(user, by=make_staff("Support"), summary="Where is my money?")
    backoffice.write_note("She called", by=make_staff("Support"), case=case)
    backoffice.solve(case, by=make_staff("Support"), outcome="Found")
    LogEntry.objects.create(
        user=make_user(is_staff=True),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr=user.email,
        action_flag=CHANGE,
    )
    empty_stash(user)
    SavedCard.objects.filter(pk=card.pk).update(deactivated_at=timezone.now())
    return user


def relations() -> Iterator[str]:
    for model in apps.get_models(include_auto_created=True):
        for field in (*model._meta.concrete_fields, *model._meta.local_many_to_many):
            if field.related_model is User:
                yield f"{model._meta.label}.{field.name}"


def test_each_relation_to_a_person_is_exported_or_has_a_reason() -> None:
    followed = {f"{table.model._meta.label}.{path}" for table in TABLES for path in table.paths}
    unnamed = {name for name in relations() if name not in followed and name not in NOT_EXPORTED}
    assert unnamed == set()
    assert set(NOT_EXPORTED) <= set(relations())


def test_the_file_holds_every_table_without_secrets(saver: User, root: User) -> None:
    export = backoffice.ask_for_export(saver.pk, by=root, reason=WHY)
    assert backoffice.ask_for_export(saver.pk, by=root, reason=WHY) == export
    backoffice.write_person_export(OutboxRow.objects.get(kind="person_export"))
    file, name = backoffice.take_file(export.pk, saver.pk, by=root)
    assert name.endswith(".zip")
    with file, zipfile.ZipFile(file) as archive:
        assert {*archive.namelist()} == {"README.txt", *(f"{table.name}.json" for table in TABLES)}
        assert "Data of person" in archive.read("README.txt").decode()
        (person,) = json.loads(archive.read("user.json"))
        (card,) = json.loads(archive.read("savedcard.json"))
        assert len(json.loads(archive.read("transaction.json"))) > 2
    assert person["email"] == "ada.obi@example.com"
    assert "password" not in person
    assert "authorization_code" not in card


def test_the_file_is_downloaded_once_and_then_deleted(saver: User, root: User) -> None:
    export = backoffice.ask_for_export(saver.pk, by=root, reason=WHY)
    backoffice.write_person_export(OutboxRow.objects.get(kind="person_export"))
    backoffice.take_file(export.pk, saver.pk, by=root)[0].close()
    with pytest.raises(Refused, match="There is no file"):
        backoffice.take_file(export.pk, saver.pk, by=root)
    assert [row.verb for row in AuditRow.objects.filter(saver=saver).order_by("-id")[:2]] == [
        "file_downloaded",
        "data_exported",
    ]
    export.refresh_from_db()
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert backoffice.expire_exports(timezone.now()) == 1
    assert not storages["statements"].exists(export.file_name)


def test_the_export_of_another_person_is_not_downloaded(saver: User, root: User) -> None:
    export = backoffice.ask_for_export(saver.pk, by=root, reason=WHY)
    backoffice.write_person_export(OutboxRow.objects.get(kind="person_export"))
    with pytest.raises(Refused):
        backoffice.take_file(export.pk, make_user().pk, by=root)


def erase(saver: User, root: User, approver: User) -> StaffRequest:
    backoffice.close_account(saver.pk, by=root, reason=WHY)
    SavedCard.objects.update(deactivated_at=timezone.now())
    request = backoffice.ask("erase", {"user": saver.pk}, asked_by=root, reason=WHY)
    return backoffice.approve(request, by=approver)


def test_only_a_closed_account_is_erased(saver: User, root: User, approver: User) -> None:
    with pytest.raises(Refused, match="Close the account first"):
        backoffice.ask("erase", {"user": saver.pk}, asked_by=root, reason=WHY)


def test_asking_erases_nothing_and_approving_does(saver: User, root: User, approver: User) -> None:
    backoffice.close_account(saver.pk, by=root, reason=WHY)
    SavedCard.objects.update(deactivated_at=None)
    with pytest.raises(Refused, match="deleted a saved card"):
        backoffice.ask("erase", {"user": saver.pk}, asked_by=root, reason=WHY)
    SavedCard.objects.update(deactivated_at=timezone.now())
    request = backoffice.ask("erase", {"user": saver.pk}, asked_by=root, reason=WHY)
    saver.refresh_from_db()
    assert (saver.email, saver.erased_at) == ("ada.obi@example.com", None)
    assert Statement.objects.filter(user=saver).exists()

    done = backoffice.approve(request, by=approver)

    saver.refresh_from_db()
    assert done.state == StaffRequest.State.DONE
    assert saver.email == f"erased-{saver.pk}@invalid"
    assert saver.erased_at is not None
    assert not Statement.objects.filter(user=saver).exists()
    assert AuditRow.objects.filter(verb="data_erased", saver=saver, staff=approver).count() == 1
    with pytest.raises(Refused, match="is erased"):
        backoffice.ask("erase", {"user": saver.pk}, asked_by=root, reason=WHY)


def test_the_ledger_stays(saver: User, root: User, approver: User) -> None:
    entries = set(Entry.objects.values_list("pk", "amount_kobo"))
    movements = Transaction.objects.filter(user=saver).count()
    erase(saver, root, approver)
    assert entries <= set(Entry.objects.values_list("pk", "amount_kobo"))
    assert Transaction.objects.filter(user=saver).count() == movements


# Text columns that the marker does not fill: keys of ours, choices, ids of the provider, and what has to stay.
KEPT = {
    "savings.User.password": "a hash",
    "savings.AuditRow": "append-only; holds ids and the reasons of staff, who are told to write no names",
    "savings.ManualPosting": "the evidence of a posting; staff are told to write no names",
    "savings.Transaction.failure_code": "a code of ours",
    "savings.Payout.transfer_code": "the provider's id of a transfer",
    "savings.Payment.foreign_reference": "the provider's reference",
    "savings.Payment.channel": "the provider's word for a way to pay",
    "savings.Payment.review_reason": "a code of ours",
    "savings.Payment.currency": "a currency",
    "savings.AutosaveRun.reason": "a code of ours",
    "savings.Dispute.status": "the provider's word",
}
KEPT_NAMES = {
    "reference",
    "dedupe_key",
    "kind",
    "key",
    "subject",
    "product_name",
    "product_description",
    "product_kind",
    "provider",
    "provider_status",
    "slug",
    "code",
    "listed",
    "sha256",
    "file_name",
    "invite_code",
    "nonce",
    "session_key",
    "token_hash",
}


def fill(row: Any) -> None:
    """Put the marker into every text of a row that a person, a bank or a browser could have written."""
    changes: dict[str, str] = {}
    for field in row._meta.concrete_fields:
        label = f"{row._meta.label}.{field.name}"
        is_text = isinstance(field, models.CharField | models.TextField) and not isinstance(field, KeyField)
        if not is_text or field.choices or field.primary_key or field.name in KEPT_NAMES or label in KEPT:
            continue
        if row._meta.label in KEPT or field.unique:
            continue
        if isinstance(field, models.EmailField):
            changes[field.name] = f"{MARK}@example.com"
        else:
            changes[field.name] = MARK[: field.max_length or 99] if (field.max_length or 99) >= 3 else "zz"
    if changes:
        row._meta.model._base_manager.filter(pk=row.pk).update(**changes)


def found() -> set[str]:
    """Return every column of the database in which the marker is."""
    where = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                column = connection.ops.quote_name(field.column or "")
                table = connection.ops.quote_name(model._meta.db_table)
                with connection.cursor() as cursor:
                    cursor.execute(
                        f"SELECT COUNT(*) FROM {table} WHERE LOWER(CAST({column} AS TEXT)) LIKE %s",
                        [f"%{MARK}%"],
                    )
                    if cursor.fetchone()[0]:
                        where.add(f"{model._meta.label}.{field.name}")
    return where


def test_nothing_that_a_person_wrote_is_found_afterwards(saver: User, root: User, approver: User) -> None:
    storage = storages["statements"]
    statement = Statement.objects.get(user=saver)
    storage.delete(statement.file_name)
    storage.save(statement.file_name, ContentFile(MARK.encode()))
    backoffice.close_account(saver.pk, by=root, reason=WHY)
    SavedCard.objects.update(deactivated_at=timezone.now())
    # Only a payment that was sent has a page.
    Payment.objects.update(sent_at=timezone.now())
    for table in TABLES:
        for row in table.rows(saver.pk):
            fill(row)
    WebhookEvent.objects.update(body=f'{{"email": "{MARK}"}}', note=MARK, error=MARK)
    Dispute.objects.update(answer_details={"customer_name": MARK})
    OutboxRow.objects.filter(user=saver).update(payload={"name": MARK})
    LogEntry.objects.update(object_repr=MARK, change_message=MARK)
    User.objects.filter(pk=saver.pk).update(email=f"{MARK}@example.com", name=MARK)
    before = found()
    for name in ("User.name", "Plan.name", "Membership.nickname", "Recipient.account_name", "Circle.name"):
        assert f"savings.{name}" in before

    request = backoffice.ask("erase", {"user": saver.pk}, asked_by=root, reason=WHY)
    assert backoffice.approve(request, by=approver).answer == ""

    assert found() == set()
    backoffice.erase_files(OutboxRow.objects.get(kind="erase_files"))
    assert not storage.exists(statement.file_name)


@pytest.fixture
def erased(provider: Provider, saver: User, root: User, approver: User) -> User:
    """An erased person whose bank account is known at the provider."""
    known = transfers.create_recipient(name="Ada Obi", account_number="0123456789", bank_code="058")
    Recipient.objects.filter(user=saver).update(code=known.code)
    erase(saver, root, approver)
    saver.refresh_from_db()
    return saver


def test_a_bank_account_is_deleted_at_the_provider(provider: Provider, erased: User) -> None:
    [report] = backoffice.erasure_report(erased)
    assert "Bank accounts; 1 is being deleted at the provider." in report.text
    row = OutboxRow.objects.get(kind=backoffice.ERASE_RECIPIENT)
    provider.instead = lambda request: httpx.Response(503)
    assert not outbox.deliver(row.pk, tasks.HANDLERS)
    provider.instead = None
    for _ in range(2):
        # The second time, the provider does not know it any more.
        OutboxRow.objects.filter(pk=row.pk).update(payload=row.payload, due_at=timezone.now(), done_at=None)
        assert outbox.deliver(row.pk, tasks.HANDLERS)
    [_, deleted] = backoffice.erasure_report(erased)
    assert deleted.text == messages.RECIPIENT_DELETED
    with pytest.raises(ProviderRefused):
        transfers.send_transfer(
            reference="STW01M85MW6EM6C1D15Q",
            amount_kobo=1_00,
            recipient_code=row.payload["code"],
            reason="Savings",
        )


def test_a_bank_account_of_another_saver_too_stays_at_the_provider(provider: Provider, erased: User) -> None:
    row = OutboxRow.objects.get(kind=backoffice.ERASE_RECIPIENT)
    payout = make_payout(make_user(), "paid")
    Recipient.objects.filter(pk=payout.recipient_id).update(code=row.payload["code"])
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    row.refresh_from_db()
    assert row.payload == {}
    assert backoffice.erasure_report(erased).reverse()[0].text == messages.RECIPIENT_SHARED
    assert not [path for path in provider.paths() if path.startswith("DELETE")]


def test_an_erased_person_gets_no_mail(erased: User) -> None:
    with atomic():
        row = mails.account_changed_by_staff("closed", erased, "after")
    assert row is not None
    assert outbox.deliver(row.pk, tasks.HANDLERS)
    assert mail.outbox == []


def test_the_notes_and_names_have_pseudonyms(saver: User, root: User, approver: User) -> None:
    erase(saver, root, approver)
    saver.refresh_from_db()
    assert saver.name == f"Erased person {saver.pk}"
    assert not saver.has_usable_password()
    assert StaffNote.objects.get().text == ERASED
    plan = Plan.objects.filter(user=saver).first()
    assert plan is not None
    assert plan.name == f"Plan {plan.pk}"
    assert not Payment.objects.exclude(card="").filter(transaction__user=saver).exists()


def test_an_export_goes_with_the_person(saver: User, root: User, approver: User) -> None:
    export = backoffice.ask_for_export(saver.pk, by=root, reason=WHY)
    backoffice.write_person_export(OutboxRow.objects.get(kind="person_export"))
    export.refresh_from_db()
    name = export.file_name
    erase(saver, root, approver)
    backoffice.erase_files(OutboxRow.objects.get(kind="erase_files"))
    assert StaffExport.objects.get(pk=export.pk).file_name == ""
    assert not storages["statements"].exists(name)
