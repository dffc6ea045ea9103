"""Load a crowd for measurements: any number of users and transactions, in bulk, consistent for `check_ledger`.

Each batch is one commit, so the ledger is consistent whenever loading stops. Memory holds one batch, and a few numbers
for each account.
"""

from __future__ import annotations

import datetime
import random
from array import array
from collections.abc import Callable, Iterator

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from savings import plans, references
from savings.demo import building, bulk, cast
from savings.demo.crowd import Crowd, Life
from savings.models import Account, Plan, Product, User
from savings.plans import Terms

BATCH = 20_000
SPAN = datetime.timedelta(days=540)
_FIRST = (
    "Aisha",
    "Amaka",
    "Bayo",
    "Chinedu",
    "Dami",
    "Ebele",
    "Femi",
    "Halima",
    "Jide",
    "Kemi",
    "Musa",
    "Tunde",
)
_LAST = (
    "Abubakar",
    "Adeyemi",
    "Balogun",
    "Bello",
    "Danjuma",
    "Eze",
    "Ibrahim",
    "Nwosu",
    "Ojo",
    "Okafor",
    "Yusuf",
)
_PLANS = ["Rent", "School fees", "Rainy day"]


def load_crowd(people: int, transactions: int, report: Callable[[str], object]) -> None:
    """Load users and transactions up to now, and `report` the progress in lines of text.

    A few users make most transactions. The first user has a tenth of all, at most 100,000, in one plan. Interest of the
    plans that pay monthly is posted once, in addition to the transactions. All users have the demo's password.
    """
    now = timezone.now()
    chance = random.Random(f"{people} {transactions}")  # noqa: S311 - the same crowd every time
    crowd = _add_crowd(people, chance, now - SPAN)
    report(f"{people:,} people with {len(crowd.rates) - people:,} plans")
    life = Life(crowd, chance, transactions, begins=now - SPAN, ends=now)
    while life.left:
        with transaction.atomic():
            life.write_batch(min(BATCH, life.left))
        report(f"{transactions - life.left:,} transactions")
    # One posting for each plan that pays monthly, up to the start of this month.
    report(f"interest of {plans.post_due_interest(timezone.localdate(now)):,} plans")
    with connection.cursor() as cursor:
        # Without ANALYZE, the query planner would still assume small tables.
        cursor.execute("ANALYZE")


def _add_crowd(people: int, chance: random.Random, begins: datetime.datetime) -> Crowd:
    """Write the users with their plans and empty accounts, and return the crowd."""
    with transaction.atomic():
        building.offer_products()
    products = [plans.offered_terms(product.pk) for product in Product.objects.offered()]
    plans_from = array("q", [0])
    for _ in range(people):
        plans_from.append(plans_from[-1] + chance.choice([1, 1, 1, 2, 2, 3]))
    accounts = people + plans_from[-1]
    crowd = Crowd(
        people=people,
        first_user=bulk.reserve(User, people),
        first_plan=bulk.reserve(Plan, plans_from[-1]),
        first_account=bulk.reserve(Account, accounts),
        plans_from=plans_from,
        is_open=bytearray(accounts),
        rates=array("q", bytes(8 * accounts)),
        balances=array("q", bytes(8 * accounts)),
        numerators=array("q", bytes(8 * accounts)),
        accrued_to=array("q", bytes(8 * accounts)),
    )
    password = make_password(cast.PASSWORD)
    for first in range(0, people, BATCH):
        batch = range(first, min(first + BATCH, people))
        with transaction.atomic():
            _write_users(crowd, batch, chance, password, begins)
            _write_plans(crowd, batch, chance, products, begins)
    return crowd


def _write_users(
    crowd: Crowd, batch: range, chance: random.Random, password: str, begins: datetime.datetime
) -> None:
    def user_row(number: int) -> tuple[object, ...]:
        name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
        user_id = crowd.first_user + number
        return (
            user_id,
            f"crowd{user_id}@example.com",
            name,
            password,
            begins,
            "",
            True,
            True,
            True,
            True,
            True,
            True,
            False,
            False,
            0,
            *bulk.keys_of(User, name=name).values(),
        )

    bulk.write(
        User,
        _USER_COLUMNS,
        (user_row(number) for number in batch),
    )
    ids = [crowd.first_user + number for number in batch]
    bulk.write(
        EmailAddress,
        ["user_id", "email", "verified", "primary"],
        ((user_id, f"crowd{user_id}@example.com", True, True) for user_id in ids),
    )


def _write_plans(
    crowd: Crowd, batch: range, chance: random.Random, products: list[Terms], begins: datetime.datetime
) -> None:
    rows = list(_plans(crowd, batch, chance, products, begins))
    bulk.write(Plan, _PLAN_COLUMNS, ([getattr(plan, name) for name in _PLAN_COLUMNS] for plan in rows))
    never = datetime.date.max.toordinal()

    def account_rows() -> Iterator[tuple[object, ...]]:
        for number in batch:
            yield (
                crowd.first_account + number,
                "stash",
                crowd.first_user + number,
                None,
                "",
                0,
                0,
                0,
                0,
                never,
                None,
            )
        this_month = timezone.localdate().replace(day=1).toordinal()
        for plan in rows:
            ends = plan.matures_on.toordinal() if plan.matures_on else never
            account, opened = crowd.people + plan.pk - crowd.first_plan, plan.started_on.toordinal()
            crowd.rates[account], crowd.accrued_to[account] = plan.rate_bps, opened
            crowd.is_open[account] = plan.early_exit == "free"
            due = this_month if plan.pays_monthly else None
            yield (
                crowd.first_account + account, "plan", plan.user_id, plan.pk, "", 0, plan.rate_bps, 0, opened, ends, due
            )  # fmt: skip

    bulk.write(Account, _ACCOUNT_COLUMNS, account_rows())


def _plans(
    crowd: Crowd, batch: range, chance: random.Random, products: list[Terms], begins: datetime.datetime
) -> Iterator[Plan]:
    starts = timezone.localdate(begins)
    for number in batch:
        for nth, plan in enumerate(range(crowd.plans_from[number], crowd.plans_from[number + 1])):
            product = chance.choice(products)
            term = SPAN.days + chance.randrange(30, 500) if product.min_term_days else None
            yield Plan(
                id=crowd.first_plan + plan,
                reference=references.at(begins, prefix=references.PLAN_PREFIX, chance=chance.getrandbits(35)),
                user_id=crowd.first_user + number,
                name=_PLANS[nth],
                **bulk.keys_of(Plan, name=_PLANS[nth]),
                target_kobo=chance.randrange(10, 300) * 10_000_00
                if product.product_kind == Product.Kind.TARGET
                else None,
                **product.for_plan(term),
                started_on=starts,
                matures_on=starts + datetime.timedelta(days=term) if term else None,
                created_at=begins,
            )


_USER_COLUMNS = ["id", "email", "name", "password", "date_joined", "theme", "wants_receipts"]
_USER_COLUMNS += [
    "wants_autosave_notices",
    "wants_goal_reached",
    "wants_rank_changes",
    "wants_weekly_digest",
    "is_active",
    "is_staff",
    "is_superuser",
    "version",
    "name_search",
]
_PLAN_COLUMNS = [field.attname for field in Plan._meta.concrete_fields]
_ACCOUNT_COLUMNS = ["id", "kind", "user_id", "plan_id", "provider", "balance_kobo", "rate_bps"]
_ACCOUNT_COLUMNS += ["accrued_numerator", "accrued_to", "accrues_until", "interest_due"]
