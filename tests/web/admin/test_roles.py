"""What each role may do at every URL of the admin, in the table of roles.txt.

A new URL or action without a line fails. After a look at what is new, write the table again with
`ROLES_WRITE=1 pytest tests/web/admin/test_roles.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from savings import backoffice
from savings.models import User
from tests.cards import make_card
from tests.factories import make_user
from tests.savings.backoffice.conftest import make_staff
from tests.web.staff import sign_in
from tests.web.test_every_url import _ARGUMENT, URLS, Url

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

TABLE = Path(__file__).parent / "roles.txt"
ROLES = ["Support", "Finance", "Approver", "Auditor", "Operations"]
# They end the session, or are everybody's own.
NOT_ASKED = {
    "admin:logout": "ends the session",
    "admin:login": "leads to the sign-in page",
    "admin:jsi18n": "the words of a script",
    "admin:autocomplete": "Django's, and asks for the right on what it searches",
    "admin:view_on_site": "Django's, and leads to a page of the site",
    "admin:password_change": "one's own password",
    "admin:password_change_done": "one's own password",
    "admin:app_list": "the index, for one app",
}
# No row has this id, so nothing is shown or done: what a role may not do is refused before the row is looked up.
NOBODY = "999999999"

REGISTRY = admin.site._registry
OF_ONE_ROW = {
    "change": {"get": "has_view_or_change_permission", "post": "has_change_permission"},
    "delete": {"get": "has_delete_permission", "post": "has_delete_permission"},
    "history": {"get": "has_view_or_change_permission", "post": "has_view_or_change_permission"},
}


def urls() -> list[Url]:
    named = [url for url in URLS if url.name.startswith("admin:") and url.name not in NOT_ASKED]
    return sorted(named, key=lambda url: url.name)


def may(client: Client, method: str, path: str) -> str:
    """Return yes or no, or - where the method does not exist."""
    response = getattr(client, method)(path)
    if response.status_code == 405:
        return "-"
    assert response.status_code in {200, 302, 403, 404, 422}, f"{method} {path}: {response.status_code}"
    return "no" if response.status_code == 403 else "yes"


def asked(user: User) -> Iterator[tuple[str, str]]:
    """Yield each URL by each method, and each action of a list, with what a user may do there."""
    client = sign_in(user)
    request = RequestFactory().get("/")
    request.user = user
    by_name = {f"{model._meta.app_label}_{model._meta.model_name}": its for model, its in REGISTRY.items()}
    for url in urls():
        path = _ARGUMENT.sub(NOBODY, url.path)
        name, _, page = url.name.removeprefix("admin:").rpartition("_")
        for method in ("get", "post"):
            if name in by_name and page in OF_ONE_ROW:
                # Django looks the row up first: these are the methods that it asks then.
                allowed = getattr(by_name[name], OF_ONE_ROW[page][method])(request)
                yield f"{method.upper():6} {url.name}", "yes" if allowed else "no"
            else:
                yield f"{method.upper():6} {url.name}", may(client, method, path)
    for model, model_admin in REGISTRY.items():
        allowed = model_admin.get_actions(request)
        for base in model_admin._get_base_actions():  # type: ignore[attr-defined] # the stubs lack it
            right = "yes" if base.name in allowed else "no"
            yield f"ACTION {model._meta.label_lower}.{base.name}", right


def table() -> str:
    columns = {role: dict(asked(make_staff(role))) for role in ROLES}
    lines = sorted(columns[ROLES[0]])
    width = max(map(len, lines)) + 2
    head = f"{'':{width}}" + "".join(f"{role:11}" for role in ROLES)
    rows = [f"{line:{width}}" + "".join(f"{columns[role][line]:11}" for role in ROLES) for line in lines]
    return "\n".join(row.rstrip() for row in [head, *rows]) + "\n"


def test_every_role_may_do_what_the_table_says(settings: Any) -> None:
    settings.RATE_LIMITS = False
    found = table()
    if os.environ.get("ROLES_WRITE"):
        TABLE.write_text(found)
    assert found == TABLE.read_text(), "Look at the difference, then write the table again (see above)."


def test_an_auditor_changes_nothing() -> None:
    lines = [line.split() for line in TABLE.read_text().splitlines()[1:]]
    # Lists take a POST of an action, and refuse the actions that a role may not do. A history takes none.
    posts = [line for line in lines if line[0] != "GET"]
    changing = [line for line in posts if not line[1].endswith(("_changelist", "_history"))]
    auditor = 2 + ROLES.index("Auditor")
    allowed = {f"{line[0]} {line[1]}" for line in changing if line[auditor] == "yes"}
    assert allowed <= {"POST admin:index", *EXPORTS_AND_SEARCHES}


# What an auditor may post: what only reads, and pages whose service asks for the right that fits the action or person.
EXPORTS_AND_SEARCHES = {
    "POST admin:search",
    "POST admin:export_ask",
    # Only asks and reads.
    "POST admin:doctor",
    # Refuses each action that a role may not ask for.
    "POST admin:ask",
    # One's own requests, and an auditor has none.
    "POST admin:request_withdraw",
}


def test_support_exports_and_erases_nothing() -> None:
    lines = [line.split() for line in TABLE.read_text().splitlines()[1:]]
    support = 2 + ROLES.index("Support")
    exports = [line for line in lines if "export" in line[1] or "erase" in line[1] or "download" in line[1]]
    assert exports
    assert {line[support] for line in exports} <= {"no", "-"}


@pytest.mark.parametrize("role", ROLES)
def test_nobody_posts_to_a_model_that_is_only_read(role: str) -> None:
    user = make_staff(role)
    client = sign_in(user)
    rows = [backoffice.record("searched", by=user, text="as it was"), make_card(make_user()).payment]
    for row in rows:
        before = list(type(row)._base_manager.values())
        of_model = f"/admin/savings/{row._meta.model_name}"
        for path in (f"{of_model}/add/", f"{of_model}/{row.pk}/change/", f"{of_model}/{row.pk}/delete/"):
            assert client.post(path, {"text": "changed", "post": "yes"}).status_code == 403, path
        assert list(type(row)._base_manager.values()) == before


def test_a_role_reaches_no_page_of_another_by_hand() -> None:
    saver = make_user()
    client = sign_in(make_staff("Operations"))
    for verb in ("freeze", "unfreeze", "end-sessions", "remove-second-step", "close", "export", "erase"):
        path = f"/admin/savers/{saver.pk}/{verb}/"
        assert client.get(path).status_code == 403
        assert client.post(path, {"reason": "By hand"}).status_code == 403
    saver.refresh_from_db()
    assert (saver.frozen, saver.closed_at) == ("", None)
