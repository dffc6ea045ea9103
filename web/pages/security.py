"""Prepares the lists of the security page: sessions with this browser first, and devices grouped by their label."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from allauth.usersessions.models import UserSession

from savings.models import Device
from web.auth import devices

_PHONES = ("Android", "iPhone", "iPad")


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceGroup:
    """The known devices with one browser and system, the latest sign-in first."""

    label: str
    devices: list[Device]

    @property
    def icon(self) -> str:
        return _icon(self.label)


def sessions(live: Iterable[UserSession], here: str | None) -> list[tuple[UserSession, str, bool, str]]:
    """Return sessions with their label, whether each has the key `here` (which comes first), and their icon."""
    labelled = ((row, devices.label(row.user_agent)) for row in live)
    rows = [(row, label, row.session_key == here, _icon(label)) for row, label in labelled]
    return sorted(rows, key=lambda row: not row[2])


def device_groups(known: Iterable[Device]) -> list[DeviceGroup]:
    """Return devices grouped by their label, in the order of each group's first device."""
    groups: dict[str, DeviceGroup] = {}
    for device in known:
        groups.setdefault(device.label, DeviceGroup(device.label, [])).devices.append(device)
    return list(groups.values())


def _icon(label: str) -> str:
    return "phone" if label.endswith(_PHONES) else "device"
