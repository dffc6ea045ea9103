"""Records what an installation with money in it must keep: its currency and its time zone."""

from django.conf import settings
from django.db import migrations, models


def record(apps, schema_editor):
    """Make the one row; where there is money already, with the settings that it was paid in under."""
    Plan, Payment = apps.get_model("savings", "Plan"), apps.get_model("savings", "Payment")
    has_money = Plan.objects.exists() or apps.get_model("savings", "Transaction").objects.exists()
    # The provider named the currency of each payment, and only those in the currency of the time were settled.
    paid = Payment.objects.filter(transaction__status="success").exclude(currency="").order_by("-id")
    currency = paid.values_list("currency", flat=True).first() or settings.CURRENCY
    apps.get_model("savings", "Installation").objects.create(
        pk=1, currency=currency if has_money else "", time_zone=settings.TIME_ZONE if has_money else ""
    )


class Migration(migrations.Migration):

    dependencies = [
        ('savings', '0026_unique_name_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='Installation',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('currency', models.CharField(blank=True, db_default='', default='', max_length=3)),
                ('time_zone', models.CharField(blank=True, db_default='', default='', max_length=64)),
            ],
        ),
        migrations.AddConstraint(
            model_name='installation',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='installation_once'),
        ),
        migrations.RunPython(record, migrations.RunPython.noop),
    ]
