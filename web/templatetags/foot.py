"""The foot of every page: who runs the installation, where to get help, and what the software is."""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from web.operator_settings import Operator

register = template.Library()


@register.simple_tag
def page_foot() -> SafeString:
    """Return the foot, which needs neither a request nor a query: error pages have it as well."""
    return _foot(
        settings.OPERATOR,
        has_security_contact=bool(settings.SECURITY_CONTACTS),
        uses_simulator=settings.USES_SIMULATOR,
    )


# By its values and not once, because tests change settings.
@lru_cache(maxsize=8)
def _foot(operator: Operator, *, has_security_contact: bool, uses_simulator: bool) -> SafeString:
    return render_to_string(
        "_foot.html",
        {
            "operator": operator,
            "has_security_contact": has_security_contact,
            "uses_simulator": uses_simulator,
            "version": _version(),
        },
    )


@cache
def _version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
