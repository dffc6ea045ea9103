"""Ledger entries: the database refuses to change them, and no entry is left after a transactional test."""

import pytest
from django.db import DatabaseError, connection

from savings.models import Entry
from tests import factories


@pytest.mark.parametrize("change", ["UPDATE savings_entry SET amount_kobo = 1", "DELETE FROM savings_entry"])
@pytest.mark.parametrize("time", ["first", "after another test was cleaned up"])
@pytest.mark.django_db(transaction=True)
def test_an_entry_cannot_be_changed_or_deleted(change: str, time: str) -> None:
    assert not Entry.objects.exists()
    factories.pay_in(factories.make_user(), 5_000_00)
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(change)
    assert Entry.objects.get().amount_kobo == 5_000_00
