from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Both hold for every row that earlier releases wrote, and for what the previous release writes meanwhile."""

    dependencies = [("savings", "0037_longest_term")]

    operations = [
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=(Q(paid_kobo__isnull=True) | Q(paid_kobo__gte=0))
                & (Q(fee_kobo__isnull=True) | Q(fee_kobo__gte=0)),
                name="payment_amounts_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=Q(checkout_url="") | Q(sent_at__isnull=False), name="payment_page_was_sent"
            ),
        ),
    ]
