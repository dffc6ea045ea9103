"""Puts the id into the index of due auto-save rules, so that the worker finds them without reading their rows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0058_dispute_answers'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='autosaverule',
            name='autosave_by_next_date',
        ),
        migrations.AddIndex(
            model_name='autosaverule',
            index=models.Index(condition=models.Q(('status', 'active')), fields=['next_on', 'id'], name='autosave_due'),
        ),
    ]
