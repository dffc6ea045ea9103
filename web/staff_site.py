"""The site of the admin: models in groups with readable names, and pages of our own beside Django's.

Not in `web.admin`, whose modules register with the site while they are imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, resolve, reverse
from django.utils.text import capfirst
from django_htmx.middleware import HtmxDetails

from savings.models import Installation, User
from web.http import SaverRequest
from web.messages import admin as words
from web.pages.front_page import front_page

View = Callable[..., HttpResponseBase]

# The groups of models on the front page and in the sidebar. What is in none is machinery.
_GROUPS = {
    "Savers": "User Plan Circle Membership AutosaveRule SavedCard Recipient Notice Statement StatementSubscription",
    "Money": (
        "Case StaffRequest Transaction Payment Payout Dispute Refund Settlement Entry Account ManualPosting"
        " ClosedMonth LedgerProof CoverageDay BalanceDay MoneyDay Product ProductRate InterestPosting RatePeriod"
        " ForfeitedInterest TaxRate"
    ),
}
_MACHINERY = "Machinery"
GROUPS = (*_GROUPS, _MACHINERY)
# Our pages among the lists: the group, the name of the URL, the title, and who sees it.
_OWN_PAGES = (
    ("Money", "treasury", words.TREASURY, "savings.view_manualposting"),
    ("Money", "health", words.HEALTH, "savings.view_coverageday"),
    (_MACHINERY, "doctor", words.DOCTOR, "savings.view_installation"),
)
# The pages of our own that belong to a list, by the model: the beginning of their path.
_PAGES_OF = {
    "User": ("savers/",),
    "Case": ("cases/",),
    "StaffRequest": ("requests/", "ask/"),
    "Dispute": ("disputes/",),
    "Product": ("products/",),
}
_pages: list[tuple[str, View, str]] = []
# What a page that is rendered for staff may know of their browser.
_META = ("SERVER_NAME", "SERVER_PORT", "HTTP_HOST", "REMOTE_ADDR", "wsgi.url_scheme")


def group_of(object_name: str) -> str:
    """Return the group of a model in the navigation."""
    found = (group for group, listed in _GROUPS.items() if object_name in listed.split())
    return next(found, _MACHINERY)


class StaffSite(AdminSite):
    """Django's admin with our groups and pages."""

    site_header = "Asusu"
    site_title = "Asusu staff"
    index_title = "Staff"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The front page: what waits and how the house stands, above the lists of models."""
        return super().index(request, front_page(staff(request).has_perm) | (extra_context or {}))

    def get_urls(self) -> list[Any]:
        # Ours first: Django's last pattern matches everything.
        ours: list[URLPattern] = [
            path(route, self.admin_view(view), name=name) for route, view, name in _pages
        ]
        return [*ours, *super().get_urls()]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the models that a user may see, in groups instead of apps."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        rows = {row["object_name"]: _named(row) for app in apps for row in app["models"]}
        names = {group: listed.split() for group, listed in _GROUPS.items()}
        names[_MACHINERY] = [name for name in rows if group_of(name) == _MACHINERY]
        groups = []
        for group, wanted in names.items():
            models = [rows[name] for name in wanted if name in rows]
            models += [
                _own(name, title) for of, name, title, may in _OWN_PAGES if of == group and _may(request, may)
            ]
            _mark_where(models, request.path)
            if models:
                # Django derives classes and links from the label; the group has no page of its own.
                groups.append(
                    {
                        "name": group,
                        "app_label": group.lower(),
                        "app_url": "",
                        "has_module_perms": True,
                        "models": models,
                    }
                )
        return groups


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a list in the navigation, by the name that the list has on its page."""
    opts = row["model"]._meta
    _, plural = words.names(opts.label_lower, str(opts.verbose_name), str(row["name"]))
    named = row | {"name": capfirst(plural)}
    if row["object_name"] == "Installation":
        # A list of one row would only be one step more.
        named["admin_url"] = reverse("admin:savings_installation_change", args=[Installation.ONLY])
    return named


def _own(name: str, title: str) -> dict[str, Any]:
    """Return a page of our own as a row of the navigation."""
    return {"name": title, "object_name": name, "admin_url": reverse(f"admin:{name}"), "add_url": None}


def _may(request: HttpRequest, permission: str) -> bool:
    return staff(request).has_perm(permission)


def _mark_where(rows: list[dict[str, Any]], path: str) -> None:
    """Mark the row of the navigation that a page belongs to."""
    root = reverse("admin:index")
    for row in rows:
        pages = [f"{root}{page}" for page in _PAGES_OF.get(row["object_name"], ())]
        row["is_here"] = path.startswith((row["admin_url"], *pages)) if row["admin_url"] else False


def staff_page(route: str, *, name: str, permission: str) -> Callable[[View], View]:
    """Register a view as a page of the admin, `admin:NAME`, for staff with a permission; others get 403.

    Without a permission ("") it is for all staff.
    """

    def register(view: View) -> View:
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if permission and not staff(request).has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        _pages.append((route, checked, name))
        return checked

    return register


def staff(request: HttpRequest) -> User:
    """Return the member of staff who asks."""
    return cast("User", request.user)


def render_page(
    request: HttpRequest, template: str, *, title: str, status: int = 200, **context: Any
) -> TemplateResponse:
    """Return a page of the admin: the template in `templates/admin/`, with the site's navigation around it."""
    site = admin.site.each_context(request)
    return TemplateResponse(request, f"admin/{template}", {**site, "title": title, **context}, status=status)


def request_of_saver(
    saver: User, path: str, meta: Mapping[str, Any] | None = None, *, is_cached: bool = False
) -> SaverRequest:
    """Return a request with which a saver would open a page of theirs: a GET, without a session or cookies.

    `meta` is that of the present request, for what names the server. Unless `is_cached`, the page is rendered without
    any cache.
    """
    known = {"SERVER_NAME": "localhost", "SERVER_PORT": "80", **(meta or {})}
    seen = HttpRequest()
    seen.method = "GET"
    seen.path = seen.path_info = path
    seen.META = {name: known[name] for name in _META if name in known}
    seen.META |= {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": ""}
    seen.user = saver
    seen.resolver_match = resolve(path)
    asked = cast("SaverRequest", seen)
    asked.is_seen_by_staff = not is_cached
    asked.htmx = HtmxDetails(seen)
    asked.request_id = ""
    return asked
