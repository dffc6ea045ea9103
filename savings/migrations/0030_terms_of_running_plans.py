"""Copies the terms of today into the plans and circles that started before they kept their own."""

from django.db import migrations


def fill(apps, schema_editor):
    """Fill rows by product, one statement each. What is newer was filled as it was written; twice changes nothing."""
    Plan, Circle = apps.get_model("savings", "Plan"), apps.get_model("savings", "Circle")
    for product in apps.get_model("savings", "Product").objects.prefetch_related("rates"):
        terms = {
            "product_name": product.name,
            "product_kind": product.kind,
            "min_term_days": product.min_term_days,
            "max_term_days": product.max_term_days,
        }
        rates = sorted([rate.from_days, rate.rate_bps] for rate in product.rates.all())
        Plan.objects.filter(product=product, product_name="").update(**terms)
        for circle in Circle.objects.filter(product=product, product_name=""):
            Circle.objects.filter(pk=circle.pk).update(
                **terms,
                product_description=product.description,
                min_target_kobo=product.min_target_kobo,
                early_exit=product.early_exit,
                penalty_bps=product.penalty_bps,
                notice_hours=product.notice_hours,
                interest_paid=product.interest_paid,
                rates=rates or _rates_of_first_plan(Plan, circle),
            )


def _rates_of_first_plan(plans, circle):
    """Return the rate at which a circle's first plan runs, for a product whose rates are gone."""
    first = plans.objects.filter(membership__circle=circle).order_by("id").first()
    return [[0, first.rate_bps]] if first else []


class Migration(migrations.Migration):

    # A long update must not hold the tables' locks that a migration's own transaction would.
    atomic = False

    dependencies = [
        ('savings', '0029_copied_terms'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
