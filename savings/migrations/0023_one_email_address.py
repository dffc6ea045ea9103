from django.db import migrations
from django.db.models import Exists, F, OuterRef
from django.utils import timezone


def agree(apps, schema_editor):
    """Let each person have one address, the one that is proven, where allauth's table and ours disagreed.

    Staff could change the one without the other. The address that was proven wins: it has signed in and received the
    codes. The other stays on record as a former address, so that staff find the person by it.
    """
    User = apps.get_model('savings', 'User')
    EmailAddress = apps.get_model('account', 'EmailAddress')
    astray = EmailAddress.objects.filter(user=OuterRef('pk')).exclude(email=OuterRef('email'))
    for user in list(User.objects.filter(Exists(astray)).order_by('pk')):
        rows = EmailAddress.objects.filter(user=user)
        proven = rows.filter(verified=True).order_by('-primary', 'pk')
        if not proven.filter(email=user.email).exists():
            _use_proven(apps, user, proven.first())
        rows.exclude(email=user.email).delete()
        rows.filter(email=user.email).update(primary=True)


def _use_proven(apps, user, row):
    User = apps.get_model('savings', 'User')
    # Somebody else may have signed up with it: then this person proves the address they have at their next sign-in.
    if row is None or User.objects.filter(email=row.email.lower()).exclude(pk=user.pk).exists():
        return
    now = timezone.now()
    apps.get_model('savings', 'EmailChange').objects.create(
        user=user, old_email=user.email, new_email=row.email.lower(), asked_at=now, effective_at=now, ended_at=now
    )
    user.email = row.email.lower()
    User.objects.filter(pk=user.pk).update(email=user.email, version=F('version') + 1)


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0022_email_changes'),
        ('account', '0009_emailaddress_unique_primary_email'),
    ]

    operations = [
        migrations.RunPython(agree, migrations.RunPython.noop),
    ]
