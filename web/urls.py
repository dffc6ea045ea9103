"""The whole site map on one page."""

from django.contrib import admin
from django.urls import include, path

from web.views import dashboard, health, landing, messages, plans, stash, transactions

landing_urls = [
    path("", landing.home, name="home"),
]

dashboard_urls = [
    path("", dashboard.home, name="home"),
]

plan_urls = [
    path("", plans.index, name="index"),
    path("start/", plans.start, name="start"),
    path("top-up/", plans.choose_top_up, name="choose_top_up"),
    path("<int:plan_id>/", plans.detail, name="detail"),
    path("<int:plan_id>/top-up/", plans.top_up, name="top_up"),
    path("<int:plan_id>/withdraw/", plans.withdraw, name="withdraw"),
    path("<int:plan_id>/edit/", plans.edit, name="edit"),
    path("<int:plan_id>/close/", plans.close, name="close"),
]

stash_urls = [
    path("", stash.home, name="home"),
    path("fund/", stash.fund, name="fund"),
]

transaction_urls = [
    path("", transactions.index, name="index"),
    path("<str:reference>/", transactions.receipt, name="receipt"),
]

message_urls = [
    path("", messages.index, name="index"),
    path("<int:message_id>/", messages.detail, name="detail"),
    path("mailbox/", messages.mailbox, name="mailbox"),
]

urlpatterns = [
    path("", include((landing_urls, "landing"))),
    path("dashboard/", include((dashboard_urls, "dashboard"))),
    path("plans/", include((plan_urls, "plans"))),
    path("stash/", include((stash_urls, "stash"))),
    path("transactions/", include((transaction_urls, "transactions"))),
    path("messages/", include((message_urls, "messages"))),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz/", health.healthz, name="healthz"),
    path("readyz/", health.readyz, name="readyz"),
]

handler400 = "web.views.errors.bad_request"
handler500 = "web.views.errors.server_error"
