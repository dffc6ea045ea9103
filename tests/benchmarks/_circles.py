"""Loads circles of any size in a few statements. PostgreSQL only."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from savings.models import Account, Circle, Membership, Product, User
from tests import factories

# A realistic distribution with ties: most have little, a few have much.
_SAVED = "100 * (1 + floor(power(random(), 3) * 50000))::bigint"
_PEOPLE = """
INSERT INTO savings_user (email, name, password, is_superuser, is_staff, is_active, date_joined, theme, version
    {defaults})
SELECT '{slug}-' || n || '@example.com', 'Saver ' || n, '!', false, false, true, now(), '', 0 {values}
FROM generate_series(1, %s) n
"""
_PLANS = """
INSERT INTO savings_plan (reference, user_id, product_id, name, target_kobo, rate_bps, early_exit, penalty_bps,
    notice_hours, interest_paid, at_maturity, started_on, created_at)
SELECT 'B' || lpad(id::text, 19, '0'), id, %s, '{slug}', 10000000, 0, 'free', 0, 0, 'monthly', 'stash', %s, now()
FROM savings_user WHERE email LIKE '{slug}-%%'
"""
_MEMBERS = f"""
INSERT INTO savings_membership (circle_id, user_id, plan_id, nickname, nickname_key, nickname_search, hides_amount,
    on_board, saved_kobo, reached_at, week_start_kobo, month_start_kobo, version, joined_at)
SELECT %s, user_id, id, 'Member ' || id, 'member ' || id, 'member ' || id, id %% 10 = 0, true, {_SAVED},
    now() - random() * interval '90 days', 0, 0, 1, now()
FROM savings_plan WHERE name = '{{slug}}'
"""
_ACCOUNTS = """
INSERT INTO savings_account (kind, user_id, plan_id, provider, balance_kobo, rate_bps, accrued_numerator, accrued_to,
    accrues_until)
SELECT 'plan', user_id, plan_id, '', saved_kobo, 0, 0, %s, %s FROM savings_membership WHERE circle_id = %s
"""


def make(slug: str, members: int) -> Circle:
    """Return a circle with `members` members, with plans, accounts and sums, but without entries."""
    product = Product.objects.first() or factories.make_product()
    circle = factories.make_circle(slug=slug, name=slug, product=product, joining=Circle.Joining.OPEN)
    today = timezone.localdate()
    columns = _other_columns()
    defaults = "".join(f", {name}" for name in columns)
    values = "".join(f", {value}" for value in columns.values())
    with connection.cursor() as cursor:
        # Skip foreign key checks: the references are correct, and checking three million takes minutes.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_PEOPLE.format(slug=slug, defaults=defaults, values=values), [members])
        cursor.execute(_PLANS.format(slug=slug), [product.pk, today])
        cursor.execute(_MEMBERS.format(slug=slug), [circle.pk])
        until = Account._meta.get_field("accrues_until").get_default()
        cursor.execute(_ACCOUNTS, [today.toordinal(), until, circle.pk])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
    return circle


def middle(circle: Circle) -> Membership:
    """Return the member in the middle of the board."""
    ranked = Membership.objects.filter(circle=circle).ranked()
    return ranked.select_related("plan__account", "user")[circle.memberships.count() // 2]


def _other_columns() -> dict[str, str]:
    """Return the boolean columns of users with their defaults."""
    columns = {field.column or "": field for field in User._meta.local_fields}
    return {
        name: str(field.get_default()).lower() for name, field in columns.items() if name.startswith("wants_")
    }
