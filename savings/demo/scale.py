"""Load a crowd for measurements: any number of users and transactions, in bulk, consistent for `check_ledger`.

Each batch is one commit, so the ledger is consistent whenever loading stops, and the same command continues. Memory
holds one batch, and a few numbers for each account.
"""

from __future__ import annotations

import datetime
import random
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import Model, Sum
from django.utils import timezone

from savings import plans, references
from savings.demo import building, bulk, cast, unfinished
from savings.demo.crowd import Crowd, Life
from savings.models import Account, Plan, Product, Transaction, User
from savings.plans import Terms

Writer = Callable[[type[Model], Sequence[str], Iterable[Sequence[object]]], None]

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


class CrowdChanged(Exception):
    """The crowd was used after its loading was stopped, so the rest does not fit to it."""


def load_crowd(
    people: int, transactions: int, report: Callable[[str], object], unfinished_file: Path | None = None
) -> None:
    """Load users and transactions up to now, and `report` the progress in lines of text.

    A few users make most transactions. The first user has a tenth of all, at most 100,000, in one plan. Interest of the
    plans that pay monthly is posted once, in addition to the transactions. All users have the demo's password.

    With a file, a crowd of the same size whose loading was stopped is continued: what is in the database is made again
    in memory and not written. Raises CrowdChanged if it was used since.
    """
    chance = random.Random(f"{people} {transactions}")  # noqa: S311 - the same crowd every time
    plans_from = _plans_from(people, chance)
    begun = unfinished.read(unfinished_file, people, transactions)
    beginning = begun or unfinished.Beginning(
        now=timezone.now(),
        first_user=bulk.reserve(User, people),
        first_plan=bulk.reserve(Plan, plans_from[-1]),
        first_account=bulk.reserve(Account, people + plans_from[-1]),
    )
    unfinished.write(unfinished_file, people, transactions, beginning)
    now = beginning.now
    crowd = _empty_crowd(beginning, plans_from)
    _add_people(crowd, chance, now - SPAN, report)
    life = Life(crowd, chance, transactions, begins=now - SPAN, ends=now)
    if begun:
        _continue(life, report)
    progress = unfinished.Progress("transactions", transactions, life.done, report)
    while life.left:
        with transaction.atomic():
            life.write_batch(min(BATCH, life.left))
        progress.at(life.done)
    # One posting for each plan that pays monthly, up to the start of this month.
    report("posting interest")
    report(f"interest of {plans.post_due_interest(timezone.localdate(now)):,} plans")
    with connection.cursor() as cursor:
        # Without ANALYZE, the query planner would still assume small tables.
        cursor.execute("ANALYZE")
    unfinished.forget(unfinished_file)


def _continue(life: Life, report: Callable[[str], object]) -> None:
    """Make the batches that are in the database again, in memory. Raises CrowdChanged."""
    crowd = life.crowd
    users = range(crowd.first_user, crowd.first_user + crowd.people)
    # Not what came later, by hand or by a worker.
    rows = Transaction.objects.filter(
        user_id__gte=users.start, user_id__lt=users.stop, created_on__lt=life.ends
    )
    written = rows.exclude(kind__in=[Transaction.Kind.INTEREST, Transaction.Kind.TAX_WITHHELD]).count()
    report(f"continuing after {written:,} transactions")
    while life.done < written:
        life.write_batch(min(BATCH, life.left), is_written=True)
    last = crowd.first_account + len(crowd.balances)
    accounts = Account.objects.filter(pk__gte=crowd.first_account, pk__lt=last)
    held_kobo = accounts.aggregate(held=Sum("balance_kobo"))["held"]
    # Interest is posted after the last batch only.
    if life.left and (life.done, sum(crowd.balances)) != (written, held_kobo):
        raise CrowdChanged


def _plans_from(people: int, chance: random.Random) -> array[int]:
    """Choose how many plans each user has; see `Crowd`."""
    plans_from = array("q", [0])
    for _ in range(people):
        plans_from.append(plans_from[-1] + chance.choice([1, 1, 1, 2, 2, 3]))
    return plans_from


def _empty_crowd(beginning: unfinished.Beginning, plans_from: array[int]) -> Crowd:
    people = len(plans_from) - 1
    accounts = people + plans_from[-1]
    return Crowd(
        people=people,
        first_user=beginning.first_user,
        first_plan=beginning.first_plan,
        first_account=beginning.first_account,
        plans_from=plans_from,
        is_open=bytearray(accounts),
        rates=array("q", bytes(8 * accounts)),
        balances=array("q", bytes(8 * accounts)),
        numerators=array("q", bytes(8 * accounts)),
        accrued_to=array("q", bytes(8 * accounts)),
    )


def _add_people(
    crowd: Crowd, chance: random.Random, begins: datetime.datetime, report: Callable[[str], object]
) -> None:
    """Write the users with their plans and empty accounts. Those in the database are only made again."""
    with transaction.atomic():
        building.offer_products()
    products = [plans.offered_terms(product.pk) for product in Product.objects.offered()]
    written = User.objects.filter(pk__gte=crowd.first_user, pk__lt=crowd.first_user + crowd.people).count()
    progress = unfinished.Progress("people", crowd.people, written, report)
    password = make_password(cast.PASSWORD)
    for first in range(0, crowd.people, BATCH):
        batch = range(first, min(first + BATCH, crowd.people))
        write = _make_again if first < written else bulk.write
        with transaction.atomic():
            _write_users(crowd, batch, chance, password, begins, write=write)
            _write_plans(crowd, batch, chance, products, begins, write=write)
        if first >= written:
            progress.at(batch.stop)


def _make_again(_model: type[Model], _columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Make rows without writing them: each uses up chance."""
    for _ in rows:
        pass


def _write_users(
    crowd: Crowd,
    batch: range,
    chance: random.Random,
    password: str,
    begins: datetime.datetime,
    *,
    write: Writer,
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

    write(
        User,
        _USER_COLUMNS,
        (user_row(number) for number in batch),
    )
    ids = [crowd.first_user + number for number in batch]
    write(
        EmailAddress,
        ["user_id", "email", "verified", "primary"],
        ((user_id, f"crowd{user_id}@example.com", True, True) for user_id in ids),
    )


def _write_plans(
    crowd: Crowd,
    batch: range,
    chance: random.Random,
    products: list[Terms],
    begins: datetime.datetime,
    *,
    write: Writer,
) -> None:
    rows = list(_plans(crowd, batch, chance, products, begins))
    write(Plan, _PLAN_COLUMNS, ([getattr(plan, name) for name in _PLAN_COLUMNS] for plan in rows))
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

    write(Account, _ACCOUNT_COLUMNS, account_rows())


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
                reference=references.at(
                    # A millisecond of its own: of 500,000 random parts in one, two would be equal.
                    begins + datetime.timedelta(milliseconds=plan),
                    prefix=references.PLAN_PREFIX,
                    chance=chance.getrandbits(35),
                ),
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
