"""The names that the page that starts a plan suggests, by what the plan is for."""

from __future__ import annotations

# By the value of `?for=` in the URL of the page.
PURPOSES = {
    "rent": "Rent",
    "school-fees": "School fees",
    "emergency": "Emergency",
    "car": "Car",
    "wedding": "Wedding",
}
