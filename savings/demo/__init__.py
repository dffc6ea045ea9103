"""The demo: two years of savers, plans and circles, made by the code that real ones go through. Not the product."""

from savings.demo.building import build, is_there
from savings.demo.cast import ADA, PASSWORD, SAVERS, STAFF
from savings.demo.scale import load_crowd
from savings.demo.second_steps import codes, seconds_left

__all__ = [
    "ADA",
    "PASSWORD",
    "SAVERS",
    "STAFF",
    "build",
    "codes",
    "is_there",
    "load_crowd",
    "seconds_left",
]
