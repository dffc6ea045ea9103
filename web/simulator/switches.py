"""The switches of the simulator, for developers. A switch survives a restart."""

from __future__ import annotations

from web.simulator import store

# The names in the form, and the words beside each.
SWITCHES = {
    "settles_to_balance": "Settlements go to the balance, not to the bank account",
    "refunds_fail": "Refunds fail",
    "leaves_out": "Answers leave out optional fields",
}


def is_on(name: str) -> bool:
    """Return whether a switch is on."""
    return bool((store.get("switch", name) or {}).get("is_on"))


def turn(name: str, *, on: bool) -> None:
    """Turn a switch on or off."""
    store.put("switch", name, {"is_on": on})
