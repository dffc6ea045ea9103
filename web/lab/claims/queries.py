"""The claims about N+1 queries, select_related and prefetch_related."""

from __future__ import annotations

from web.lab.claims.claim import LOOKUP, MEASURE, PLAN_NAMES, Claim, Place

CLAIMS = (
    Claim(
        "running a query for each result returned by a previous query",
        PLAN_NAMES,
        "relations",
        ("web/views/transactions.py: index", "web/pages/transactions.py: COLUMNS"),
        "On SQLite a query costs microseconds. On a database server each also costs a round trip through "
        "the network.",
    ),
    Claim(
        "trace information from our APM tool can give us some indications that an N+1 query problem exists",
        MEASURE,
        "measure",
        (
            "web/observability/telemetry/spans.py: report_spans",
            "tests/web/test_fetching.py: test_a_page_that_fetches_lazily_fails",
        ),
        "A trace finds the problem on a live site. Our tests find it before: they refuse a foreign key that a "
        "page loads row by row, and the budgets of pages count the rest.",
        in_viewer="a trace, with the number of its queries",
    ),
    Claim(
        "no additional queries will be made because it was fetched in the first query",
        PLAN_NAMES,
        "relations",
        ("web/pages/transactions.py: COLUMNS",),
        "Unless only() or defer() left the column out: then it costs a query per row, too. The id of the plan "
        "is on the transaction, so plan_id is free where plan.id is not.",
    ),
    Claim(
        "Django will have to execute another query to get the corresponding plan",
        PLAN_NAMES,
        "relations",
        ("tests/web/conftest.py: _pages_fetch_nothing_in_passing",),
        "Since Django 6.1 a fetch mode decides what happens to a relation that is not loaded: FETCH_ONE loads "
        "it, FETCH_PEERS loads it for all rows, and FETCH_RAISE raises an error instead.",
    ),
    Claim(
        "gives us a total of N+1 queries",
        PLAN_NAMES,
        "relations",
        ("tests/web/observability/test_budgets.py: test_every_page_keeps_to_its_budget",),
        "Fewer where rows have no plan. Rows that share a plan still cost a query each, because each has "
        "its own object.",
        also=(Place("Rows that share plans", PLAN_NAMES, "?relation=shared"),),
    ),
    Claim(
        "imagine us having 1m transactions",
        LOOKUP,
        "pagination",
        ("web/keyset.py: page", "savings/statements/rows.py: pages"),
        "Neither method helps a page that reads a million rows. Read one page of rows by a key, not by "
        "OFFSET.",
    ),
    Claim(
        "We will now have only one query",
        PLAN_NAMES,
        "relations",
        ("web/views/circles.py: index", "web/pages/transactions.py: COLUMNS"),
        "A JOIN repeats the whole plan in each row. index reads a user's memberships with their circles in one query. "
        "Where two columns are enough, values_list reads only those, as COLUMNS says.",
        also=(Place("Rows that share plans", PLAN_NAMES, "?relation=shared"),),
    ),
    Claim(
        "This will execute two queries",
        PLAN_NAMES,
        "relations",
        ("web/views/plans.py: _offered",),
        "The second query has one parameter for each plan. Thousands of plans make it long.",
        also=(Place("Many-to-many", PLAN_NAMES, "?relation=members"),),
    ),
    Claim(
        "select_related works by creating an SQL join",
        PLAN_NAMES,
        "relations",
        ("web/views/transactions.py: receipt",),
        "A nullable one becomes a LEFT JOIN, which leaves the planner fewer choices.",
    ),
    Claim(
        "It is suitable for foreign key and one-to-one relationships",
        PLAN_NAMES,
        "relations",
        ("savings/models/accounts.py: Account.plan", "savings/statements/subjects.py: subject_of"),
        "Also from the side of a one-to-one relation that has no column for it. A row without a partner then "
        "raises when it is read.",
        also=(Place("One-to-one", PLAN_NAMES, "?relation=account"),),
    ),
    Claim(
        "performs a separate lookup for each relationship and performs the ‘joining’ in Python",
        PLAN_NAMES,
        "relations",
        ("web/views/plans.py: _offered",),
        "For many-to-many and reverse relations select_related cannot do it. All related rows are in memory at once.",
        also=(Place("Many-to-many", PLAN_NAMES, "?relation=members"),),
    ),
    Claim(
        "This works well in both many-to-many and many-to-one relationships",
        PLAN_NAMES,
        "shared_plans",
        ("web/views/landing.py: home", "web/views/plans.py: _offered"),
        "For many-to-one, as from transactions to their plan, both methods work. prefetch_related reads each plan "
        "once, which is less where many rows share a plan. From a plan to its transactions, the reverse relation, only "
        "prefetch_related works; the product prefetches no other kind.",
        also=(
            Place("Many-to-many", PLAN_NAMES, "?relation=members"),
            Place("Reverse relation", PLAN_NAMES, "?relation=transactions"),
        ),
    ),
)
