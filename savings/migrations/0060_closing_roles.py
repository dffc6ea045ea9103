"""Lets support and finance close accounts, and finance hand over and erase a person's data, which only superusers could."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

# What each role gets. Erasing needs a second person, whom `decide_staffrequest` names.
ROLES = {
    "Support": {"close_user"},
    "Finance": {"close_user", "hand_over_data"},
}


def extend_roles(apps, schema_editor):
    # The rows of permissions are otherwise created after all migrations.
    create_permissions(
        installed.get_app_config("savings"), verbosity=0, using=schema_editor.connection.alias
    )
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="savings")
    # Whoever could do both before, by a grant of their own, still can.
    permissions.filter(codename="close_user").update(name="Can close accounts")
    hand_over = permissions.get(codename="hand_over_data")
    groups = apps.get_model("auth", "Group").objects
    for group in groups.filter(permissions__codename="close_user"):
        group.permissions.add(hand_over)
    for user in apps.get_model("savings", "User").objects.filter(user_permissions__codename="close_user"):
        user.user_permissions.add(hand_over)
    for name, codenames in ROLES.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.add(*permissions.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("savings", "0059_autosave_due"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={
                "permissions": [
                    ("see_saver", "Can look at a saver’s page"),
                    ("help_user", "Can help a saver to sign in"),
                    ("freeze_user", "Can freeze savers"),
                    ("close_user", "Can close accounts"),
                    ("hand_over_data", "Can export a saver’s data, and ask for its erasure"),
                ]
            },
        ),
        migrations.RunPython(extend_roles, migrations.RunPython.noop),
    ]
