"""The simulator's URLs: the provider's API, the checkout page and its static files."""

from django.urls import path

from web.simulator import api, pages

urlpatterns = [
    path("transaction/initialize", api.initialize),
    path("transaction/verify/<str:reference>", api.verify),
    path("transaction/charge_authorization", api.charge_authorization),
    path("transferrecipient", api.create_transfer_recipient),
    path("transfer", api.transfer),
    path("transfer/verify/<str:reference>", api.verify_transfer),
    path("pay/<str:access_code>", pages.pay),
    path("static/<path:name>", pages.static_file),
    path("", pages.home),
]
