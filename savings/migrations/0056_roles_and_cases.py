"""Creates the roles of staff, and opens a case for everything that waits for a person already."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.utils import timezone

# The permissions of each role, as they were when this migration was written; `savings.backoffice.roles` explains them.
_READ = (
    "account auditrow autosaverule autosaverun balanceday boardday calendarfeed case circle circleevent closedmonth"
    " coverageday device dispute emailchange entry forfeitedinterest installation interestposting jobrun ledgerproof"
    " manualposting membership moneyday notice outboxrow payment payout plan postponement product productrate"
    " rateperiod recipient refund savedcard settlement staffexport staffnote staffrequest statement statementsubscription taxrate transaction user"
    " webhookevent"
).split()
_SUPPORT_READS = (
    "autosaverule autosaverun case circle circleevent device dispute emailchange entry membership notice outboxrow"
    " payment payout plan product productrate recipient refund savedcard staffnote staffrequest statement"
    " statementsubscription transaction user webhookevent"
).split()
_OPERATIONS_READ = (
    "balanceday boardday case circle circleevent coverageday installation jobrun ledgerproof membership outboxrow"
    " payment postponement settlement staffnote statement webhookevent"
).split()


def _view(models):
    return {f"view_{model}" for model in models}


ROLES = {
    "Support": _view(_SUPPORT_READS)
    | {"see_saver", "work_case", "help_user", "freeze_user", "ask_money", "change_payment", "change_outboxrow"},
    "Finance": _view(_READ)
    - {"view_auditrow"}
    | {
        "see_saver",
        "work_case",
        "freeze_user",
        "ask_money",
        "ask_treasury",
        "ask_product",
        "change_payment",
        "add_staffexport",
        "add_ledgerproof",
    },
    "Approver": _view(_READ) | {"see_saver", "work_case", "decide_staffrequest", "change_payout"},
    "Auditor": _view(_READ) | {"see_saver", "add_staffexport"},
    "Operations": _view(_OPERATIONS_READ)
    | {"work_case", "change_outboxrow", "change_payment", "change_statement", "change_circle", "add_ledgerproof"},
}


def create_roles(apps, schema_editor):
    # The rows of permissions are otherwise created after all migrations.
    for label in ("auth", "savings"):
        config = installed.get_app_config(label)
        create_permissions(config, verbosity=0, using=schema_editor.connection.alias)
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    for name, codenames in ROLES.items():
        group, _ = group_model.objects.get_or_create(name=name)
        rows = permission_model.objects.filter(content_type__app_label="savings", codename__in=codenames)
        group.permissions.add(*rows)


def open_cases(apps, schema_editor):
    """Open the cases that `backoffice.sync_cases` would; it replaces the sentences at its first run."""
    get = apps.get_model
    cases = []
    now = timezone.now()

    def add(kind, row, saver_id, since, due_at=None, **rows):
        cases.append(
            get("savings", "Case")(
                kind=kind,
                key=f"{kind}:{row.pk}",
                saver_id=saver_id,
                summary="Waits for a person.",
                opened_at=since or now,
                due_at=due_at,
                **rows,
            )
        )

    payments = get("savings", "Payment").objects.filter(transaction__status="review")
    for payment in payments.select_related("transaction"):
        movement = payment.transaction
        add("payment", payment, movement.user_id, movement.created_on, payment_id=payment.pk)
    disputes = get("savings", "Dispute").objects.filter(resolved_at=None)
    for dispute in disputes.select_related("payment__transaction"):
        saver_id = dispute.payment.transaction.user_id
        rows = {"dispute_id": dispute.pk, "payment_id": dispute.payment_id}
        add("dispute", dispute, saver_id, dispute.opened_at, dispute.due_at, **rows)
    payouts = get("savings", "Payout").objects
    for payout in payouts.exclude(staff_note="") | payouts.filter(state="approval"):
        add("payout", payout, payout.user_id, payout.asked_at, payout_id=payout.pk)
    refunds = get("savings", "Refund").objects.filter(
        next_poll_at__isnull=False, provider_status="needs-attention"
    )
    for refund in refunds.select_related("transaction"):
        movement = refund.transaction
        rows = {"refund_id": refund.pk, "payment_id": refund.payment_id}
        add("refund", refund, movement.user_id, movement.created_on, **rows)
    # An event whose subject has a case loses its own at the first run of `sync_cases`.
    for event in get("savings", "WebhookEvent").objects.filter(needs_staff=True).defer("body"):
        add("event", event, None, event.received_at, event_id=event.pk)
    get("savings", "Case").objects.bulk_create(cases, batch_size=500, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("savings", "0055_backoffice"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [
        migrations.RunPython(create_roles, migrations.RunPython.noop),
        migrations.RunPython(open_cases, migrations.RunPython.noop),
    ]
