"""The claims about pages as a whole."""

from __future__ import annotations

from web.lab.claims.claim import WHOLE_PAGE, Claim

CLAIMS = (
    Claim(
        "slowing down for a few more milliseconds could be the reason we lose a user",
        WHOLE_PAGE,
        "whole_pages",
        ("web/views/transactions.py", "tests/benchmarks/pages.py"),
        "The server's milliseconds are only a part of what a user waits for. The rest is the network, the"
        " size of the page and the browser.",
    ),
    Claim(
        "looking for performance improvement opportunities",
        WHOLE_PAGE,
        "whole_pages",
        ("docs/performance.md", "tests/benchmarks/pages.py"),
        "Change one thing at a time and measure it. Without N+1, a page may spend more time in templates "
        "than in SQL.",
    ),
    Claim(
        "There are numerous other performance enhancement techniques",
        WHOLE_PAGE,
        "whole_pages",
        ("web/keyset.py", "web/middleware/compression.py"),
        "Each makes the code harder to read. The product has only those with a measured gain.",
    ),
)
