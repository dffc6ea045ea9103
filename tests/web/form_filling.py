"""Fills in forms as a browser would, including the page's initial values and hidden fields."""

from __future__ import annotations

from typing import Any

from django.test import Client


def filled_in(client: Client, url: str, **values: Any) -> dict[str, Any]:
    """Return the data of the page's form with these values entered."""
    form = client.get(url).context["form"]
    data = {bound.html_name: bound.value() for bound in form if bound.value() is not None}
    return data | values
