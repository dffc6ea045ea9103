"""Fills forms in as a browser would: with what the page already holds, hidden fields included."""

from __future__ import annotations

from typing import Any

from django.test import Client


def filled_in(client: Client, url: str, **values: Any) -> dict[str, Any]:
    """Return the data of the page's form with these values typed into it."""
    form = client.get(url).context["form"]
    data = {bound.html_name: bound.value() for bound in form if bound.value() is not None}
    return data | values
