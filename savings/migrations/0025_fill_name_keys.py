"""Gives every name one spelling and its keys, and a number to those that are equal by now: "Rent", "Rent (2)".

In batches that commit one by one, beside the previous release: a name that is changed meanwhile is left as it is, and
gets its keys when it is written the next time. What `typed_text` makes of a name is stored, so whoever changes it
writes another migration like this one.
"""

from django.db import connection, migrations, transaction
from django.db.models import Count

from savings import typed_text

BATCH = 2_000


def fill(apps, schema_editor):
    search, key = typed_text.search_key, typed_text.key
    _fill(apps.get_model("savings", "User"), "name", {"name_search": search}, instead="Saver")
    _fill(apps.get_model("savings", "Circle"), "name", {"name_search": search}, instead="Circle")
    plans, members = apps.get_model("savings", "Plan"), apps.get_model("savings", "Membership")
    _fill(plans, "name", {"name_key": key}, instead="Plan")
    _fill(members, "nickname", {"nickname_key": key, "nickname_search": search}, instead="Member")
    _number(plans.objects.filter(closed_at=None), "user_id", "name", 60)
    _number(members.objects.filter(left_at=None), "circle_id", "nickname", 30)


def _fill(model, field, keys, *, instead):
    columns = ", ".join(f"{column} = %s" for column in [field, *keys])
    # The names in it are constants of this file.
    update = f"UPDATE {model._meta.db_table} SET {columns} WHERE id = %s AND {field} = %s"  # noqa: S608
    last = 0
    while rows := list(model.objects.filter(pk__gt=last).order_by("pk").values_list("pk", field)[:BATCH]):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(update, [_filled(pk, name, keys, instead) for pk, name in rows])
        last = rows[-1][0]


def _filled(pk, name, keys, instead):
    cleaned = typed_text.line(name) or instead
    return [cleaned, *(make(cleaned) for make in keys.values()), pk, name]


def _number(rows, group, field, longest):
    key = f"{field}_key"
    equal = rows.exclude(**{key: None}).order_by().values_list(group, key).annotate(times=Count("pk"))
    for group_id, shared, _ in list(equal.filter(times__gt=1)):
        here = rows.filter(**{group: group_id})
        names = here.filter(**{key: shared}).order_by("pk").values_list("pk", field)
        for pk, name in list(names)[1:]:
            _rename(here, pk, field, _free_name(here, name, key, longest))


def _free_name(here, name, key, longest):
    number = 2
    while here.filter(**{key: typed_text.key(typed_text.numbered(name, number, longest=longest))}).exists():
        number += 1
    return typed_text.numbered(name, number, longest=longest)


def _rename(here, pk, field, name):
    changes = {field: name, f"{field}_key": typed_text.key(name)}
    if field == "nickname":
        changes["nickname_search"] = typed_text.search_key(name)
    here.filter(pk=pk).update(**changes)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('savings', '0024_name_keys'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
    ]
