"""What staff answer to a dispute, and how far it has come to the provider."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0057_product_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='dispute',
            name='answer',
            field=models.CharField(
                blank=True,
                choices=[('accepted', 'Accepted'), ('contested', 'Contested')],
                db_default='',
                default='',
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name='dispute',
            name='answered_by',
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='+',
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name='dispute',
            name='answered_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='dispute',
            name='answer_message',
            field=models.CharField(blank=True, db_default='', default='', max_length=500),
        ),
        migrations.AddField(
            model_name='dispute',
            name='answer_details',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='dispute',
            name='answer_due_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='dispute',
            name='evidence_sent_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='dispute',
            name='evidence_id',
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='dispute',
            name='answer_sent_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='dispute',
            name='answer_error',
            field=models.CharField(blank=True, db_default='', default='', max_length=300),
        ),
    ]
