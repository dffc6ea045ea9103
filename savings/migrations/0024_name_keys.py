"""Keys of names, computed in Python: empty for now, and for rows that the previous release writes beside this one.

The constraints on LOWER(name) go before the rows are looked through, since they call some different names the same.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0023_one_email_address'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='membership',
            name='nickname_once_per_circle',
        ),
        migrations.RemoveConstraint(
            model_name='plan',
            name='plan_name_once_per_user',
        ),
        migrations.AddField(
            model_name='circle',
            name='name_search',
            field=models.TextField(default=None, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='membership',
            name='nickname_key',
            field=models.TextField(default=None, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='membership',
            name='nickname_search',
            field=models.TextField(default=None, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='plan',
            name='name_key',
            field=models.TextField(default=None, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='name_search',
            field=models.TextField(default=None, editable=False, null=True),
        ),
    ]
