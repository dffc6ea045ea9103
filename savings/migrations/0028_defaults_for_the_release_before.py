"""Gives each column that was added to a table in use a default, so that the release before can go on writing rows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0027_installation'),
    ]

    operations = [
        migrations.AlterField(
            model_name='outboxrow',
            name='traceparent',
            field=models.CharField(blank=True, db_default='', default='', max_length=55),
        ),
        migrations.AlterField(
            model_name='payment',
            name='foreign_reference',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
        migrations.AlterField(
            model_name='user',
            name='wants_rank_changes',
            field=models.BooleanField(db_default=True, default=True, verbose_name='an e-mail when a place in a circle changes'),
        ),
        migrations.AlterField(
            model_name='user',
            name='wants_weekly_digest',
            field=models.BooleanField(db_default=True, default=True, verbose_name='an e-mail on Mondays about circles'),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='needs_staff',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='note',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='traceparent',
            field=models.CharField(blank=True, db_default='', default='', max_length=55),
        ),
    ]
