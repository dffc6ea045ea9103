"""Adds auto-save rules and runs, saved cards, calendar feeds, the runs of jobs, and the balances of each night."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0053_labels'),
    ]

    operations = [
        migrations.CreateModel(
            name='BalanceDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day_on', models.DateField()),
                ('accounts', models.BigIntegerField()),
                ('balance_kobo', models.BigIntegerField()),
            ],
            options={
                'verbose_name': 'balances of a day',
                'verbose_name_plural': 'balances by day',
            },
        ),
        migrations.CreateModel(
            name='CalendarFeed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('nonce', models.CharField(max_length=32)),
                ('shows_amounts', models.BooleanField(default=False, verbose_name='amounts in the calendar')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='JobRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('job', models.CharField(max_length=60, unique=True)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('duration_ms', models.PositiveBigIntegerField(default=0)),
                ('rows_done', models.BigIntegerField(blank=True, null=True)),
                ('runs', models.PositiveBigIntegerField(default=0)),
                ('failures', models.PositiveBigIntegerField(default=0)),
                ('failed_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, default='', max_length=300)),
            ],
            options={
                'ordering': ['job'],
            },
        ),
        migrations.CreateModel(
            name='SavedCard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(default='paystack', max_length=20)),
                ('authorization_code', models.CharField(max_length=100)),
                ('email', models.EmailField(max_length=254)),
                ('signature', models.CharField(blank=True, default='', max_length=100)),
                ('brand', models.CharField(max_length=20)),
                ('last4', models.CharField(max_length=4, verbose_name='last four digits')),
                ('expires_on', models.DateField(blank=True, null=True)),
                ('bank', models.CharField(blank=True, default='', max_length=100)),
                ('country', models.CharField(blank=True, default='', max_length=2)),
                ('name', models.CharField(blank=True, default='', max_length=40)),
                ('is_default', models.BooleanField(default=False)),
                ('mandate', models.TextField()),
                ('mandate_at', models.DateTimeField()),
                ('mandate_device', models.CharField(blank=True, default='', max_length=200)),
                ('saved_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('trouble', models.CharField(blank=True, choices=[('disputed', 'A payment with it is disputed'), ('refused', 'The bank does not let it be charged again')], default='', max_length=10)),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('deactivated_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name='payment',
            name='mandate',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='payment',
            name='mandate_device',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='user',
            name='wants_autosave_notices',
            field=models.BooleanField(db_default=True, default=True, verbose_name='email the day before an auto-save'),
        ),
        migrations.CreateModel(
            name='AutosaveRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=20, unique=True)),
                ('source', models.CharField(choices=[('stash', 'My stash'), ('card', 'A saved card')], max_length=5)),
                ('amount_kobo', models.BigIntegerField(blank=True, null=True)),
                ('every', models.CharField(choices=[('once', 'Once'), ('day', 'Every day'), ('week', 'Every week'), ('month', 'Every month')], max_length=5)),
                ('weekday', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('month_day', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='day of the month')),
                ('until_on', models.DateField(blank=True, null=True, verbose_name='until')),
                ('until_goal', models.BooleanField(default=False, verbose_name='until the goal')),
                ('status', models.CharField(choices=[('active', 'On'), ('paused', 'Paused'), ('ended', 'Ended')], default='active', max_length=6)),
                ('reason', models.CharField(blank=True, choices=[('saver', 'Its saver chose so'), ('date', 'Its last date has passed'), ('goal', 'The plan has reached its goal'), ('closed', 'The plan is closed'), ('matured', 'The plan has matured'), ('full', 'The plan is full'), ('left', 'Its saver left the circle'), ('circle_ended', 'The circle has ended'), ('card', 'The card cannot be charged'), ('owes', 'Its saver owes money'), ('dispute', 'A payment of its saver is disputed'), ('failed', 'Three dates in a row failed'), ('inactive', 'The account of its saver was closed'), ('frozen', 'The account of its saver is frozen')], default='', max_length=12)),
                ('next_on', models.DateField(blank=True, null=True)),
                ('failures', models.PositiveSmallIntegerField(default=0)),
                ('past_goal_kobo', models.BigIntegerField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('plan', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='autosave_rules', to='savings.plan')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='autosave_rules', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='AutosaveRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_on', models.DateField()),
                ('amount_kobo', models.BigIntegerField()),
                ('source', models.CharField(choices=[('stash', 'My stash'), ('card', 'A saved card')], max_length=5)),
                ('status', models.CharField(choices=[('waiting', 'Announced'), ('trying', 'On its way'), ('done', 'Saved'), ('failed', 'Failed'), ('skipped', 'Skipped')], default='waiting', max_length=7)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('tried_on', models.DateField(blank=True, null=True)),
                ('next_try_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, default='', max_length=40)),
                ('announced_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('rule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='savings.autosaverule')),
            ],
        ),
        migrations.AddField(
            model_name='transaction',
            name='autosave_run',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transactions', to='savings.autosaverun'),
        ),
        migrations.AddIndex(
            model_name='transaction',
            index=models.Index(condition=models.Q(('autosave_run__isnull', False)), fields=['autosave_run'], name='transaction_autosave_tries'),
        ),
        migrations.AddConstraint(
            model_name='transaction',
            constraint=models.UniqueConstraint(condition=models.Q(('autosave_run__isnull', False), ('status__in', ['pending', 'success', 'review', 'closed', 'reversed'])), fields=('autosave_run',), name='transaction_once_per_autosave_run'),
        ),
        migrations.AddField(
            model_name='balanceday',
            name='product',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='savings.product'),
        ),
        migrations.AddField(
            model_name='calendarfeed',
            name='user',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='calendar_feed', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedcard',
            name='payment',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='savings.payment'),
        ),
        migrations.AddField(
            model_name='savedcard',
            name='user',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cards', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='autosaverun',
            name='card',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='savings.savedcard'),
        ),
        migrations.AddField(
            model_name='autosaverule',
            name='card',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='autosave_rules', to='savings.savedcard'),
        ),
        migrations.AddField(
            model_name='payment',
            name='saved_card',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='savings.savedcard'),
        ),
        migrations.AddConstraint(
            model_name='balanceday',
            constraint=models.UniqueConstraint(condition=models.Q(('product__isnull', False)), fields=('day_on', 'product'), name='balance_day_once_per_product'),
        ),
        migrations.AddConstraint(
            model_name='balanceday',
            constraint=models.UniqueConstraint(condition=models.Q(('product__isnull', True)), fields=('day_on',), name='balance_day_once_for_stashes'),
        ),
        migrations.AddConstraint(
            model_name='balanceday',
            constraint=models.CheckConstraint(condition=models.Q(('accounts__gte', 0), ('balance_kobo__gte', 0)), name='balance_day_not_negative'),
        ),
        migrations.AddIndex(
            model_name='savedcard',
            index=models.Index(fields=['user', '-id'], name='card_by_user'),
        ),
        migrations.AddIndex(
            model_name='savedcard',
            index=models.Index(condition=models.Q(('removed_at__isnull', True)), fields=['expires_on'], name='card_by_expiry'),
        ),
        migrations.AddConstraint(
            model_name='savedcard',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True), models.Q(('signature', ''), _negated=True)), fields=('user', 'signature'), name='card_once_per_user'),
        ),
        migrations.AddConstraint(
            model_name='savedcard',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True), ('removed_at__isnull', True)), fields=('user',), name='card_one_default'),
        ),
        migrations.AddIndex(
            model_name='autosaverun',
            index=models.Index(condition=models.Q(('next_try_at__isnull', False)), fields=['next_try_at'], name='autosave_run_due'),
        ),
        migrations.AddConstraint(
            model_name='autosaverun',
            constraint=models.UniqueConstraint(fields=('rule', 'due_on'), name='autosave_once_per_date'),
        ),
        migrations.AddConstraint(
            model_name='autosaverun',
            constraint=models.CheckConstraint(condition=models.Q(('amount_kobo__gt', 0)), name='autosave_run_amount_above_zero'),
        ),
        migrations.AddConstraint(
            model_name='autosaverun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('card__isnull', False), ('source', 'card')), models.Q(('card__isnull', True), ('source', 'stash')), _connector='OR'), name='autosave_run_from_card_or_stash'),
        ),
        migrations.AddConstraint(
            model_name='autosaverun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('next_try_at__isnull', False), ('status__in', ['waiting', 'trying'])), models.Q(('ended_at__isnull', False), ('next_try_at__isnull', True), ('status__in', ['done', 'failed', 'skipped'])), _connector='OR'), name='autosave_run_open_is_tried'),
        ),
        migrations.AddIndex(
            model_name='autosaverule',
            index=models.Index(condition=models.Q(('status', 'active')), fields=['next_on'], name='autosave_by_next_date'),
        ),
        migrations.AddIndex(
            model_name='autosaverule',
            index=models.Index(fields=['user', '-id'], name='autosave_by_user'),
        ),
        migrations.AddIndex(
            model_name='autosaverule',
            index=models.Index(condition=models.Q(('status', 'ended'), _negated=True), fields=['plan'], name='autosave_of_plan'),
        ),
        migrations.AddIndex(
            model_name='autosaverule',
            index=models.Index(condition=models.Q(('status', 'ended'), _negated=True), fields=['card'], name='autosave_of_card'),
        ),
        migrations.AddConstraint(
            model_name='autosaverule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_kobo__gt', 0), ('amount_kobo__isnull', False)), models.Q(('amount_kobo__isnull', True), ('every', 'month'), ('plan__isnull', False)), _connector='OR'), name='autosave_amount_or_what_is_missing'),
        ),
        migrations.AddConstraint(
            model_name='autosaverule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('card__isnull', False), ('source', 'card')), models.Q(('card__isnull', True), ('plan__isnull', False), ('source', 'stash')), _connector='OR'), name='autosave_from_card_or_stash'),
        ),
        migrations.AddConstraint(
            model_name='autosaverule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('every', 'week'), ('weekday__isnull', False), ('weekday__lte', 6)), models.Q(models.Q(('every', 'week'), _negated=True), ('weekday__isnull', True)), _connector='OR'), models.Q(models.Q(('every', 'month'), ('month_day__gte', 1), ('month_day__isnull', False), ('month_day__lte', 31)), models.Q(models.Q(('every', 'month'), _negated=True), ('month_day__isnull', True)), _connector='OR')), name='autosave_day_fits_rhythm'),
        ),
        migrations.AddConstraint(
            model_name='autosaverule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), ('status', 'active')), models.Q(('next_on__isnull', True), ('status__in', ['paused', 'ended']), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='autosave_stopped_has_reason'),
        ),
        migrations.AlterField(
            model_name='transaction',
            name='kind',
            field=models.CharField(choices=[('top_up', 'Card top-up'), ('stash_deposit', 'Added to stash'), ('stash_withdrawal', 'Withdrawal'), ('plan_to_stash', 'Plan to stash'), ('stash_to_plan', 'Stash to plan'), ('autosave', 'Auto-save'), ('interest', 'Interest'), ('tax_withheld', 'Tax withheld'), ('penalty', 'Early exit penalty'), ('fee', 'Fee'), ('reversal', 'Reversal'), ('refund', 'Refund'), ('chargeback', 'Chargeback'), ('interest_correction', 'Interest correction'), ('repayment', 'Repayment'), ('write_off', 'Write-off'), ('treasury', 'Treasury'), ('adjustment', 'Adjustment')], max_length=20),
        ),
    ]
