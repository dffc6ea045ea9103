"""Adds the notices of withdrawals, and the longest notice that staff may set."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0048_interest_postings'),
    ]

    operations = [
        migrations.AlterField(
            model_name='product',
            name='notice_hours',
            field=models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(8760)]),
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=20, unique=True)),
                ('amount_kobo', models.BigIntegerField()),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('due_at', models.DateTimeField()),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Carried out'), ('cancelled', 'Cancelled'), ('ended', 'Ended with the plan or its term'), ('refused', 'Not carried out')], default='waiting', max_length=10)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('plan', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='savings.plan')),
                ('transaction', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notice', to='savings.transaction')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['due_at'], name='notice_by_due_time'), models.Index(condition=models.Q(('status', 'waiting')), fields=['plan'], name='notice_waiting_in_plan'), models.Index(fields=['user', '-id'], name='notice_by_user')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_kobo__gt', 0)), name='notice_amount_above_zero'), models.CheckConstraint(condition=models.Q(('due_at__gt', models.F('asked_at'))), name='notice_due_after_asked'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('status', 'waiting')), models.Q(models.Q(('status', 'waiting'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='notice_waits_until_decided'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'done'), ('transaction__isnull', False)), models.Q(models.Q(('status', 'done'), _negated=True), ('transaction__isnull', True)), _connector='OR'), name='notice_moves_money_when_done')],
            },
        ),
    ]
