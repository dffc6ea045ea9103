"""The claims about N+1 queries, select_related and prefetch_related."""

from __future__ import annotations

from web.lab.claims.claim import MEASURE, PLAN_NAMES, WHOLE_PAGE, Claim

CLAIMS = (
    Claim(
        "running a query for each result returned by a previous query",
        PLAN_NAMES,
        "relations",
        ("web/views/transactions.py", "web/pages/transactions.py"),
        "On SQLite a query costs microseconds. On a database server each also costs a round trip through "
        "the network.",
    ),
    Claim(
        "trace information from our APM tool can give us some indications that an N+1 query problem exists",
        MEASURE,
        "measure",
        ("tests/web/conftest.py", "tests/web/test_fetching.py"),
        "A trace finds the problem on a live site. Our tests find it before: they refuse each row that a "
        "page loads lazily.",
    ),
    Claim(
        "gives us a total of N+1 queries",
        PLAN_NAMES,
        "relations",
        ("tests/web/observability/test_budgets.py",),
        "Fewer where rows have no plan. Rows that share a plan still cost a query each, because each has "
        "its own object.",
    ),
    Claim(
        "imagine us having 1m transactions",
        WHOLE_PAGE,
        "whole_pages",
        ("web/keyset.py", "savings/statements/rows.py"),
        "Neither method helps a page that reads a million rows. Read one page of rows by a key, not by "
        "OFFSET.",
    ),
    Claim(
        "We will now have only one query",
        PLAN_NAMES,
        "relations",
        ("web/views/transactions.py",),
        "A JOIN repeats the whole plan in each row. Where two columns are enough, values_list reads only "
        "those.",
    ),
    Claim(
        "This will execute two queries",
        PLAN_NAMES,
        "relations",
        ("web/views/plans.py",),
        "The second query has one parameter for each plan. Thousands of plans make it long.",
    ),
    Claim(
        "select_related works by creating an SQL join",
        PLAN_NAMES,
        "relations",
        ("web/views/transactions.py",),
        "For foreign keys and one-to-one relations only. A nullable one becomes a LEFT JOIN, which leaves"
        " the planner fewer choices.",
    ),
    Claim(
        "performs a separate lookup for each relationship and performs the ‘joining’ in Python",
        PLAN_NAMES,
        "relations",
        ("web/views/plans.py",),
        "The only way for many-to-many and reverse relations. All related rows are in memory at once.",
    ),
)
