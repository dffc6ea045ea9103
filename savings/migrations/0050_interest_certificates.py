"""Adds certificates of interest and tax, which are asked for like statements."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0049_notices'),
    ]

    operations = [
        migrations.AddField(
            model_name='statement',
            name='is_certificate',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
