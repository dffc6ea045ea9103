from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0011_traceparents'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='statement',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'writing'])), fields=['user', 'id'], name='statement_unfinished'),
        ),
    ]
