"""Adds cases, notes, requests for a second person, exports, the append-only audit log, and frozen accounts."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


MESSAGE = "the audit log is append-only"

CREATE = {
    "postgresql": [
        f"""
        CREATE FUNCTION savings_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """,
        """
        CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON savings_auditrow
        FOR EACH ROW EXECUTE FUNCTION savings_refuse_audit_change()
        """,
        """
        CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON savings_auditrow
        FOR EACH STATEMENT EXECUTE FUNCTION savings_refuse_audit_change()
        """,
    ],
    "sqlite": [
        f"""
        CREATE TRIGGER audit_not_updated BEFORE UPDATE ON savings_auditrow
        BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
        """,
        f"""
        CREATE TRIGGER audit_not_deleted BEFORE DELETE ON savings_auditrow
        BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
        """,
    ],
}
DROP = {
    "postgresql": [
        "DROP TRIGGER IF EXISTS audit_append_only ON savings_auditrow",
        "DROP TRIGGER IF EXISTS audit_not_truncated ON savings_auditrow",
        "DROP FUNCTION IF EXISTS savings_refuse_audit_change",
    ],
    "sqlite": ["DROP TRIGGER IF EXISTS audit_not_updated", "DROP TRIGGER IF EXISTS audit_not_deleted"],
}


def create_triggers(apps, schema_editor):
    for statement in CREATE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_triggers(apps, schema_editor):
    for statement in DROP[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('savings', '0054_autosave_and_saved_cards'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('verb', models.CharField(max_length=30)),
                ('subject', models.CharField(blank=True, default='', max_length=80)),
                ('text', models.CharField(blank=True, default='', max_length=500)),
            ],
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('payment', 'Payment being checked'), ('event', 'Event of the provider'), ('dispute', 'Dispute'), ('refund', 'Refund'), ('payout', 'Withdrawal'), ('question', 'Question of a saver')], max_length=10)),
                ('key', models.CharField(max_length=60, unique=True)),
                ('state', models.CharField(choices=[('open', 'Open'), ('solved', 'Solved')], default='open', max_length=6)),
                ('summary', models.CharField(max_length=300)),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('alarmed_at', models.DateTimeField(blank=True, null=True)),
                ('solved_at', models.DateTimeField(blank=True, null=True)),
                ('outcome', models.CharField(blank=True, default='', max_length=300)),
            ],
            options={
                'permissions': [('work_case', 'Can assign, note and solve cases')],
            },
        ),
        migrations.CreateModel(
            name='StaffExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('listed', models.CharField(max_length=60)),
                ('filters', models.JSONField(blank=True, default=dict)),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('writing', 'Being written'), ('ready', 'Ready'), ('failed', 'Failed'), ('expired', 'Expired')], default='queued', max_length=8)),
                ('requested_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('rows_written', models.PositiveIntegerField(default=0)),
                ('file_name', models.CharField(blank=True, default='', max_length=200)),
                ('size_bytes', models.BigIntegerField(blank=True, null=True)),
                ('sha256', models.CharField(blank=True, default='', max_length=64)),
                ('ready_at', models.DateTimeField(blank=True, null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, default='', max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='StaffNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(max_length=2000)),
                ('written_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='StaffRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(max_length=30)),
                ('reference', models.CharField(max_length=20, unique=True)),
                ('values', models.JSONField(default=dict)),
                ('facts', models.JSONField(default=dict)),
                ('lines', models.JSONField(default=list)),
                ('subject', models.CharField(max_length=60)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('reason', models.CharField(max_length=300)),
                ('expires_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('waiting', 'Waits for approval'), ('done', 'Done'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn'), ('void', 'Void'), ('expired', 'Expired')], default='waiting', max_length=9)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('answer', models.CharField(blank=True, default='', max_length=300)),
            ],
            options={
                'permissions': [('ask_money', 'Can ask for movements of savers’ money'), ('ask_treasury', 'Can ask for postings of the house'), ('ask_product', 'Can ask for changes of products'), ('decide_staffrequest', 'Can approve and refuse requests')],
            },
        ),
        migrations.AlterModelOptions(
            name='user',
            options={'permissions': [('see_saver', 'Can look at a saver’s page'), ('help_user', 'Can help a saver to sign in'), ('freeze_user', 'Can freeze savers'), ('close_user', 'Can close accounts, and export and erase a saver’s data')]},
        ),
        migrations.AddField(
            model_name='user',
            name='closed_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='erased_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='frozen',
            field=models.CharField(blank=True, choices=[('', 'Not frozen'), ('withdrawals', 'No withdrawals'), ('movements', 'No movements')], db_default='', default='', editable=False, max_length=11),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), ('closed_at__isnull', False), _connector='OR'), name='user_closed_before_erased'),
        ),
        migrations.AddField(
            model_name='auditrow',
            name='saver',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='auditrow',
            name='staff',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='case',
            name='assignee',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='case',
            name='dispute',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='savings.dispute'),
        ),
        migrations.AddField(
            model_name='case',
            name='event',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='savings.webhookevent'),
        ),
        migrations.AddField(
            model_name='case',
            name='payment',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='savings.payment'),
        ),
        migrations.AddField(
            model_name='case',
            name='payout',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='savings.payout'),
        ),
        migrations.AddField(
            model_name='case',
            name='refund',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='savings.refund'),
        ),
        migrations.AddField(
            model_name='case',
            name='saver',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='case',
            name='solved_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='staffexport',
            name='asked_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='staffnote',
            name='author',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='staffnote',
            name='case',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='savings.case'),
        ),
        migrations.AddField(
            model_name='staffnote',
            name='saver',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='staffrequest',
            name='asked_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='staffrequest',
            name='case',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='savings.case'),
        ),
        migrations.AddField(
            model_name='staffrequest',
            name='decided_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='staffrequest',
            name='saver',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='staffrequest',
            name='transaction',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='staff_request', to='savings.transaction'),
        ),
        migrations.AddIndex(
            model_name='auditrow',
            index=models.Index(fields=['staff', '-id'], name='audit_by_staff'),
        ),
        migrations.AddIndex(
            model_name='auditrow',
            index=models.Index(condition=models.Q(('saver__isnull', False)), fields=['saver', '-id'], name='audit_by_saver'),
        ),
        migrations.AddIndex(
            model_name='auditrow',
            index=models.Index(condition=models.Q(('subject', ''), _negated=True), fields=['subject', '-id'], name='audit_by_subject'),
        ),
        migrations.AddIndex(
            model_name='auditrow',
            index=models.Index(fields=['verb', '-id'], name='audit_by_verb'),
        ),
        migrations.AddIndex(
            model_name='auditrow',
            index=models.Index(fields=['at'], name='audit_by_day'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['kind', 'opened_at'], name='case_open'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('due_at__isnull', False), ('state', 'open')), fields=['due_at'], name='case_due'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['assignee', 'opened_at'], name='case_assigned'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('saver__isnull', False)), fields=['saver', '-id'], name='case_by_saver'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('solved_at__isnull', True), ('state', 'open')), models.Q(('solved_at__isnull', False), ('state', 'solved')), _connector='OR'), name='case_solved_with_its_time'),
        ),
        migrations.AddIndex(
            model_name='staffexport',
            index=models.Index(fields=['asked_by', '-id'], name='export_by_staff'),
        ),
        migrations.AddIndex(
            model_name='staffexport',
            index=models.Index(condition=models.Q(('file_name', ''), _negated=True), fields=['expires_at'], name='export_files'),
        ),
        migrations.AddConstraint(
            model_name='staffexport',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'ready'), _negated=True), models.Q(models.Q(('file_name', ''), _negated=True), models.Q(('sha256', ''), _negated=True), ('expires_at__isnull', False), ('ready_at__isnull', False)), _connector='OR'), name='export_ready_is_whole'),
        ),
        migrations.AddIndex(
            model_name='staffnote',
            index=models.Index(condition=models.Q(('saver__isnull', False)), fields=['saver', '-id'], name='note_by_saver'),
        ),
        migrations.AddConstraint(
            model_name='staffnote',
            constraint=models.CheckConstraint(condition=models.Q(('case__isnull', False), ('saver__isnull', False), _connector='OR'), name='note_is_about_something'),
        ),
        migrations.AddIndex(
            model_name='staffrequest',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['expires_at'], name='request_waiting'),
        ),
        migrations.AddIndex(
            model_name='staffrequest',
            index=models.Index(condition=models.Q(('saver__isnull', False)), fields=['saver', '-id'], name='request_by_saver'),
        ),
        migrations.AddIndex(
            model_name='staffrequest',
            index=models.Index(fields=['asked_by', '-id'], name='request_by_asker'),
        ),
        migrations.AddConstraint(
            model_name='staffrequest',
            constraint=models.CheckConstraint(condition=models.Q(('decided_by__isnull', True), models.Q(('decided_by', models.F('asked_by')), _negated=True), _connector='OR'), name='request_decided_by_another'),
        ),
        migrations.AddConstraint(
            model_name='staffrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['done', 'refused']), _negated=True), ('decided_by__isnull', False), _connector='OR'), name='request_done_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='staffrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('state', 'waiting')), models.Q(models.Q(('state', 'waiting'), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='request_ends_with_its_time'),
        ),
        migrations.AddConstraint(
            model_name='staffrequest',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='request_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='staffrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'waiting')), fields=('subject',), name='request_once_per_subject'),
        ),
        migrations.CreateModel(
            name='LedgerProof',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('began_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('command', models.CharField(max_length=60)),
                ('results', models.JSONField(blank=True, default=list)),
                ('wrong', models.PositiveIntegerField(default=0)),
                ('error', models.CharField(blank=True, default='', max_length=300)),
                ('asked_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='MoneyDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day_on', models.DateField(unique=True)),
                ('counted_at', models.DateTimeField()),
                ('in_kobo', models.BigIntegerField(default=0)),
                ('out_kobo', models.BigIntegerField(default=0)),
                ('payments_paid', models.PositiveIntegerField(default=0)),
                ('payments_failed', models.PositiveIntegerField(default=0)),
                ('payouts_paid', models.PositiveIntegerField(default=0)),
                ('payouts_failed', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'money of a day',
                'verbose_name_plural': 'money by day',
            },
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(condition=models.Q(('transfer_code', ''), _negated=True), fields=['transfer_code'], name='payout_by_transfer'),
        ),
        migrations.AddIndex(
            model_name='plan',
            index=models.Index(fields=['name_key'], name='plan_by_name', opclasses=['text_pattern_ops']),
        ),
        migrations.AddIndex(
            model_name='recipient',
            index=models.Index(models.Func(models.F('account_number'), output_field=models.CharField(), template='SUBSTR(%(expressions)s, 7)'), name='recipient_by_last_digits'),
        ),
        migrations.AddIndex(
            model_name='statement',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['requested_at'], name='statement_failed'),
        ),
        migrations.AddConstraint(
            model_name='moneyday',
            constraint=models.CheckConstraint(condition=models.Q(('in_kobo__gte', 0), ('out_kobo__gte', 0)), name='money_day_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='ledgerproof',
            constraint=models.UniqueConstraint(condition=models.Q(('command', 'Ledger health'), ('ended_at__isnull', True)), fields=('command',), name='proof_one_at_a_time'),
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
