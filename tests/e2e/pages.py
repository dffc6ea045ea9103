"""The pages that tests of the whole site walk through."""

from __future__ import annotations

import re

from tests.e2e.person import Person

PAGES = [
    *(
        "/dashboard/",
        "/plans/",
        "/plans/start/",
        "/plans/top-up/",
        "/stash/",
        "/stash/fund/",
        "/stash/withdraw/",
        "/stash/accounts/",
        "/stash/accounts/add/",
        "/transactions/",
        "/calendar/",
        "/calendar/?view=list",
        "/calendar/feed/",
        "/auto-save/",
        "/auto-save/new/",
        "/auto-save/stash/",
        "/cards/",
    ),
    *(
        "/circles/",
        "/circles/start/",
        "/statements/",
        "/statements/start/",
        "/messages/",
        "/profile/",
        "/lab/",
    ),
    *("/accounts/", "/accounts/email/", "/accounts/password/change/", "/accounts/logout/"),
    *("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"),
]
SIGNED_OUT = [
    "/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/statements/verify/",
]

# Pages of one object: the list that links to it, its URL pattern, and its sub-pages.
LEADS: list[tuple[str, str, tuple[str, ...]]] = [
    ("/plans/", r"/plans/\d+/", ("edit/", "top-up/", "withdraw/", "interest/")),
    ("/auto-save/", r"/auto-save/\d+/", ("edit/",)),
    (
        "/circles/",
        r"/circles/(?!start/)[\w-]+/",
        ("leaderboard/", "members/", "appearance/", "edit/", "join/"),
    ),
    ("/transactions/", r"/transactions/[A-Z]\w+/", ()),
    ("/statements/", r"/statements/\d+/", ()),
    ("/messages/", r"/messages/\d+/", ()),
]


def found(person: Person) -> list[str]:
    """Return the pages of the user's own objects, three of each kind."""
    pages = []
    for start, pattern, below in LEADS:
        person.goes_to(start)
        links = person.page.eval_on_selector_all(
            "main a[href]", "all => all.map(a => a.getAttribute('href'))"
        )
        mine = [link for link in dict.fromkeys(links) if re.fullmatch(pattern, link)][:3]
        assert mine, start
        pages += mine + [mine[0] + more for more in below if more != "join/"]
        pages += [mine[1] + "join/"] if "join/" in below else []
    return pages
