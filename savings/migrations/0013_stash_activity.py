from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0012_statements_unfinished'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='transaction',
            index=models.Index(condition=models.Q(('kind__in', ['stash_deposit', 'stash_withdrawal', 'plan_to_stash', 'stash_to_plan'])), fields=['user', '-id'], name='transaction_of_stash'),
        ),
    ]
