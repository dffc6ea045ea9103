"""Adds the status of a review whose money was all credited or given back. The database changes nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0045_forfeited_interest'),
    ]

    operations = [
        migrations.AlterField(
            model_name='transaction',
            name='status',
            field=models.CharField(choices=[('pending', 'On its way'), ('success', 'Done'), ('failed', 'Failed'), ('abandoned', 'Not finished'), ('review', 'Being checked'), ('reversed', 'Reversed'), ('closed', 'Checked')], default='pending', max_length=10),
        ),
    ]
