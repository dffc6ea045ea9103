"""The simulator's URLs: the provider's API, the checkout page, the page for developers, and static files."""

from django.urls import path

from web.simulator import api, desk, money_api, pages, transfer_api

urlpatterns = [
    path("transaction", api.list_payments),
    path("transaction/initialize", api.initialize),
    path("transaction/verify/<str:reference>", api.verify),
    path("transaction/charge_authorization", api.charge_authorization),
    path("customer/authorization/deactivate", api.deactivate_authorization),
    path("bank", transfer_api.list_banks),
    path("bank/resolve", transfer_api.resolve_account),
    path("transferrecipient", transfer_api.create_recipient),
    path("transferrecipient/<str:code>", transfer_api.delete_recipient),
    path("transfer", transfer_api.transfer),
    path("transfer/verify/<str:reference>", transfer_api.verify_transfer),
    path("transfer/<str:code>", transfer_api.fetch_transfer),
    path("transaction/totals", money_api.totals),
    path("balance", money_api.balance),
    path("balance/ledger", money_api.balance_ledger),
    path("settlement", money_api.list_settlements),
    path("settlement/<int:settlement_id>/transactions", money_api.settlement_transactions),
    path("refund", money_api.refund),
    path("refund/<int:refund_id>", money_api.fetch_refund),
    path("dispute", money_api.list_disputes),
    path("dispute/<int:dispute_id>", money_api.fetch_dispute),
    path("dispute/<int:dispute_id>/upload_url", money_api.upload_url),
    path("dispute/<int:dispute_id>/evidence", money_api.add_evidence),
    path("dispute/<int:dispute_id>/resolve", money_api.resolve_dispute),
    path("pay/<str:access_code>", pages.pay),
    path("static/<path:name>", pages.static_file),
    path("", desk.show),
]
