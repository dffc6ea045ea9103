from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0030_terms_of_running_plans'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='transaction',
            index=models.Index(condition=models.Q(('plan__isnull', True), models.Q(models.Q(('kind', 'top_up'), _negated=True), models.Q(('kind', 'penalty'), _negated=True)), _connector='OR'), fields=['user', '-id'], name='transaction_near_stash'),
        ),
        migrations.RemoveIndex(
            model_name='transaction',
            name='transaction_of_stash',
        ),
    ]
