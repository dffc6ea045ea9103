"""The demo: a year and a half of savers, plans and circles, made by the real services. Not part of the product."""

from savings.demo.building import build, is_there
from savings.demo.cast import ADA, PASSWORD, SAVERS, STAFF
from savings.demo.scale import CrowdChanged, load_crowd
from savings.demo.second_steps import codes, seconds_left

__all__ = [
    "ADA",
    "PASSWORD",
    "SAVERS",
    "STAFF",
    "CrowdChanged",
    "build",
    "codes",
    "is_there",
    "load_crowd",
    "seconds_left",
]
