"""The claims about caching."""

from __future__ import annotations

from web.lab.claims.claim import CACHING, LEADERBOARD, STAMPEDE, WRONG_KEY, Claim, Place

# A circle in which the cache pays.
_LARGE = "?members=100000"

CLAIMS = (
    Claim(
        "cache frequently requested data and data that do not change for each user",
        WRONG_KEY,
        "wrong_key",
        ("savings/payments/banks.py: list_banks", "web/caching/pages.py: page"),
        "list_banks has one list for everybody, under one key. Data of one user can be cached too, as page does, with "
        "the user in the key. A key without its owner shows one user's data to another.",
        also=(Place("Cold and warm", CACHING), Place("A key without its owner", WRONG_KEY)),
        part="#shared-h",
    ),
    Claim(
        "As the application grows, retrieving data from the database can become expensive and slow",
        LEADERBOARD,
        "boards",
        ("savings/leaderboards/sql.py: Rows", "tests/benchmarks/leaderboards.py: main"),
        "Not every query grows: one that reads a page of rows by an index costs the same in a million rows. "
        "First look for the index, then for a cache.",
        part=_LARGE,
    ),
    Claim(
        "caching allows us to avoid running queries multiple times",
        CACHING,
        "caches",
        ("web/caching/pages.py: page",),
        "A query by primary key takes about as long as a call to Redis. Cache what takes several queries "
        "or much rendering.",
    ),
    Claim(
        "Data that is cached is easier and faster to retrieve",
        CACHING,
        "caches",
        ("web/caching/fragments.py: FragmentCache.find",),
        "Faster, but not easier: someone has to know when it is out of date. Our keys have the version of "
        "what they show, so old entries are never read.",
    ),
    Claim(
        "subsequent requests fetch from the cache instead of from the source",
        CACHING,
        "caches",
        ("web/caching/pages.py: page", "savings/payments/banks.py: list_banks"),
        "The first request of each version pays for it, and also writes the cache. Data that changes before it is read "
        "again costs more with a cache.",
    ),
    Claim(
        "computing the leaderboard could be an expensive operation",
        LEADERBOARD,
        "boards",
        ("savings/leaderboards/sql.py: Rows",),
        "In a small circle it is cheap: SQL ranks a few rows in one query, and a cache saves little or costs more. "
        "Sorted sets win as the members grow. The figures say at which sizes.",
        part=_LARGE,
    ),
    Claim(
        "computing the leaderboard every time a user wants to view",
        LEADERBOARD,
        "boards",
        ("savings/leaderboards/pages.py: read_board", "savings/leaderboards/store.py: run_script"),
        "A member also wants their own rank, and the members around it. A sorted set answers that by itself. A board "
        "cached as one value has to be read as a whole, and made again after each contribution: in a large circle that "
        "gains little or nothing. The figures say at which sizes.",
        part=_LARGE,
    ),
    Claim(
        "update the cache when a member makes a successful transaction",
        LEADERBOARD,
        "boards",
        (
            "savings/leaderboards/contributions.py: record_contribution",
            "savings/leaderboards/contributions.py: _write_after_commit",
        ),
        "The update may be lost, come twice or in the wrong order. Ours writes a member's standing with "
        "its version, not a difference, and a job compares all boards with SQL.",
        part=_LARGE,
    ),
    Claim(
        "It can always be retrieved from the cache",
        LEADERBOARD,
        "boards",
        (
            "savings/leaderboards/pages.py: read_board",
            "savings/leaderboards/rebuild.py: rebuild_board",
            "docs/degraded.md",
        ),
        "Not while Redis is away or has been emptied. Then the product reads the board from SQL, and "
        "builds it again. The button “Empty Redis” shows what that costs.",
    ),
    Claim(
        "Looking for frequently requested data or expensive operations in your app and caching",
        STAMPEDE,
        "stampede",
        ("web/caching/pages.py: page", "web/caching/fragments.py: FragmentCache.once"),
        "When a value that is both expires, all requests calculate it at once unless one has a lock.",
        also=(Place("Cold and warm", CACHING),),
    ),
)
