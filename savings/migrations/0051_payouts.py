"""Adds bank accounts of savers, and the payouts to them."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0050_interest_certificates'),
    ]

    operations = [
        migrations.CreateModel(
            name='Recipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(default='paystack', max_length=20)),
                ('code', models.CharField(max_length=100)),
                ('bank_code', models.CharField(max_length=20)),
                ('bank_name', models.CharField(max_length=100)),
                ('account_number', models.CharField(max_length=10)),
                ('account_name', models.CharField(max_length=150)),
                ('is_default', models.BooleanField(default=False)),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('usable_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='recipients', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Payout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(default='paystack', max_length=20)),
                ('fee_kobo', models.BigIntegerField(default=0)),
                ('vat_kobo', models.BigIntegerField(default=0)),
                ('duty_kobo', models.BigIntegerField(default=0)),
                ('state', models.CharField(choices=[('waiting', 'Waits to be sent'), ('approval', 'Waits for approval'), ('sent', 'With the provider'), ('paid', 'Paid'), ('returned', 'Returned'), ('cancelled', 'Cancelled'), ('came_back', 'Came back')], default='waiting', max_length=10)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('send_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('next_try_at', models.DateTimeField(blank=True, null=True)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('transfer_code', models.CharField(blank=True, default='', max_length=100)),
                ('provider_status', models.CharField(blank=True, default='', max_length=20)),
                ('provider_message', models.CharField(blank=True, default='', max_length=200)),
                ('transferred_at', models.DateTimeField(blank=True, null=True)),
                ('cost_kobo', models.BigIntegerField(blank=True, null=True)),
                ('staff_note', models.CharField(blank=True, default='', max_length=200)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('decided_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('transaction', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='payout', to='savings.transaction')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to=settings.AUTH_USER_MODEL)),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='savings.recipient')),
            ],
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=models.Index(fields=['user', '-id'], name='recipient_by_user'),
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=models.Index(fields=['account_number', 'bank_code'], name='recipient_by_account'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('user', 'bank_code', 'account_number'), name='recipient_once_per_user'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True), ('removed_at__isnull', True)), fields=('user',), name='recipient_one_default'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(condition=models.Q(('next_try_at__isnull', False)), fields=['next_try_at'], name='payout_due'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['user', '-id'], name='payout_by_user'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(condition=models.Q(('staff_note', ''), _negated=True), fields=['-id'], name='payout_for_staff'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['state', 'asked_at'], name='payout_by_state'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(('duty_kobo__gte', 0), ('fee_kobo__gte', 0), ('vat_kobo__gte', 0), models.Q(('cost_kobo__isnull', True), ('cost_kobo__gte', 0), _connector='OR')), name='payout_amounts_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('sent_at__isnull', True), ('state__in', ['waiting', 'approval', 'cancelled'])), models.Q(('sent_at__isnull', False), ('state__in', ['sent', 'paid', 'came_back'])), ('state', 'returned'), _connector='OR'), name='payout_sent_before_paid'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['waiting', 'sent']), _negated=True), ('next_try_at__isnull', False), _connector='OR'), name='payout_in_flight_is_tried_again'),
        ),
    ]
