"""Names are unique by their keys, the same on every database, and members and people are found by theirs."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0025_fill_name_keys'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='plan',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('user', 'name_key'), name='plan_name_once_per_user'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(condition=models.Q(('left_at__isnull', True)), fields=('circle', 'nickname_key'), name='nickname_once_per_circle'),
        ),
        migrations.AddIndex(
            model_name='membership',
            index=models.Index(condition=models.Q(('left_at__isnull', True)), fields=['circle', 'nickname_search'], name='membership_by_nickname'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['name_search'], name='user_by_name', opclasses=['text_pattern_ops']),
        ),
    ]
