"""The claims about pages as a whole."""

from __future__ import annotations

from web.lab.claims.claim import WHOLE_PAGE, Claim

CLAIMS = (
    Claim(
        "It is critical to make inexpensive database queries",
        WHOLE_PAGE,
        "whole_pages",
        ("web/observability/budgets.py: BUDGETS",),
        "Few queries are not enough: with three left, the page of the lab still takes many times as long as from "
        "the page cache.",
    ),
    Claim(
        "slowing down for a few more milliseconds could be the reason we lose a user",
        WHOLE_PAGE,
        "whole_pages",
        ("web/views/transactions.py: index", "tests/benchmarks/pages.py: main"),
        "The server's milliseconds are only a part of what a user waits for. The rest is the network, the"
        " size of the page and the browser.",
    ),
    Claim(
        "looking for performance improvement opportunities",
        WHOLE_PAGE,
        "whole_pages",
        ("docs/performance.md", "tests/benchmarks/pages.py: main"),
        "Change one thing at a time and measure it. Without N+1, a page may spend more time in templates "
        "than in SQL.",
    ),
    Claim(
        "There are numerous other performance enhancement techniques",
        WHOLE_PAGE,
        "whole_pages",
        ("web/keyset.py: page", "web/middleware/compression.py: CompressionMiddleware"),
        "Each makes the code harder to read. The product has only those with a measured gain, such as compression, of "
        "which the page shows the bytes and the time.",
    ),
)
