"""Registers the HTTP side of Asusu with Django."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "web"
