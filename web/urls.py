"""The whole site map."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path, reverse_lazy
from django.views.generic.base import RedirectView

from web.admin.own_password import password_change
from web.auth import sign_up
from web.views import (
    autosave,
    calendar,
    cards,
    circle_settings,
    circles,
    dashboard,
    email_changes,
    health,
    help,  # noqa: A004 - the name of the feature
    landing,
    leaderboards,
    messages,
    metrics,
    payments,
    payouts,
    plan_exits,
    plan_notices,
    plans,
    recipients,
    stash,
    statement_files,
    statements,
    transactions,
    users,
    well_known,
)

# Staff use the same sign-in as everyone, second step included; users who are not staff get 403.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# The form is sent to the same page as everyone's: it sends a mail and ends their other sessions.
admin.site.password_change = password_change  # type: ignore[assignment,method-assign]
admin.site.password_change_done = RedirectView.as_view(pattern_name="admin:index")  # type: ignore[assignment,method-assign]

landing_urls = [
    path("", landing.home, name="home"),
]

help_urls = [
    path("", help.home, name="home"),
]

dashboard_urls = [
    path("", dashboard.home, name="home"),
]

plan_urls = [
    path("", plans.index, name="index"),
    path("start/", plans.start, name="start"),
    path("start/preview/", plans.preview_start, name="preview_start"),
    path("top-up/", plans.choose_top_up, name="choose_top_up"),
    path("interest/", plans.paid_interest, name="paid_interest"),
    path("<int:plan_id>/", plans.detail, name="detail"),
    path("<int:plan_id>/top-up/", plans.top_up, name="top_up"),
    path("<int:plan_id>/withdraw/", plans.withdraw, name="withdraw"),
    path("<int:plan_id>/interest/", plans.interest, name="interest"),
    path("<int:plan_id>/give-notice/", plan_notices.give_notice, name="give_notice"),
    path("<int:plan_id>/notices/<int:notice_id>/cancel/", plan_notices.cancel_notice, name="cancel_notice"),
    path("<int:plan_id>/exit/", plan_exits.quote_exit, name="quote_exit"),
    path("<int:plan_id>/exit/preview/", plan_exits.preview_exit, name="preview_exit"),
    path("<int:plan_id>/exit/carry-out/", plan_exits.carry_out_exit, name="carry_out_exit"),
    path("<int:plan_id>/edit/", plans.edit, name="edit"),
    path("<int:plan_id>/close/", plans.close, name="close"),
]

stash_urls = [
    path("", stash.home, name="home"),
    path("fund/", stash.fund, name="fund"),
]

payout_urls = [
    path("withdraw/", payouts.withdraw, name="withdraw"),
    path("withdraw/preview/", payouts.preview, name="preview"),
    path("withdraw/confirm/", payouts.confirm, name="confirm"),
    path("withdrawals/<str:reference>/cancel/", payouts.cancel, name="cancel"),
    path("accounts/", recipients.recipients, name="recipients"),
    path("accounts/add/", recipients.add_recipient, name="add_recipient"),
    path("accounts/<int:recipient_id>/remove/", recipients.remove_recipient, name="remove_recipient"),
    path("accounts/<int:recipient_id>/default/", recipients.make_default, name="make_default"),
    path("accounts/undo/<str:token>/", recipients.undo_recipient, name="undo_recipient"),
]

autosave_urls = [
    path("", autosave.index, name="index"),
    path("new/", autosave.choose, name="choose"),
    path("stash/", autosave.start_stash, name="start_stash"),
    path("stash/preview/", autosave.preview_stash, name="preview_stash"),
    path("plans/<int:plan_id>/", autosave.start, name="start"),
    path("plans/<int:plan_id>/preview/", autosave.preview, name="preview"),
    path("<int:rule_id>/", autosave.detail, name="detail"),
    path("<int:rule_id>/edit/", autosave.edit, name="edit"),
    path("<int:rule_id>/pause/", autosave.pause, name="pause"),
    path("<int:rule_id>/resume/", autosave.resume, name="resume"),
    path("<int:rule_id>/skip/", autosave.skip, name="skip"),
    path("<int:rule_id>/stop/", autosave.stop, name="stop"),
]

calendar_urls = [
    path("", calendar.home, name="home"),
    path("feed/", calendar.feed, name="feed"),
    path("feed/start/", calendar.start_feed, name="start_feed"),
    path("feed/renew/", calendar.renew_feed, name="renew_feed"),
    path("feed/end/", calendar.end_feed, name="end_feed"),
    path("feed/amounts/", calendar.show_amounts, name="show_amounts"),
    path("feed/<str:token>.ics", calendar.read_feed, name="read_feed"),
]

circle_urls = [
    path("", circles.index, name="index"),
    path("start/", circles.start, name="start"),
    path("start/preview/", circles.preview_start, name="preview_start"),
    path("join/<str:code>/", circles.join_by_code, name="join_by_code"),
    path("<slug:slug>/", circles.detail, name="detail"),
    path("<slug:slug>/leaderboard/", leaderboards.leaderboard, name="leaderboard"),
    path("<slug:slug>/join/", circles.join, name="join"),
    path("<slug:slug>/leave/", circles.leave, name="leave"),
    path("<slug:slug>/appearance/", circle_settings.appearance, name="appearance"),
    path("<slug:slug>/edit/", circle_settings.edit, name="edit"),
    path("<slug:slug>/rotate-code/", circle_settings.rotate_code, name="rotate_code"),
    path("<slug:slug>/members/", circle_settings.members, name="members"),
    path("<slug:slug>/members/<int:membership_id>/", circle_settings.member, name="member"),
    path("<slug:slug>/members/<int:membership_id>/remove/", circle_settings.remove, name="remove"),
    path("<slug:slug>/members/<int:membership_id>/hand-over/", circle_settings.hand_over, name="hand_over"),
]

transaction_urls = [
    path("", transactions.index, name="index"),
    path("<str:reference>/", transactions.receipt, name="receipt"),
]

statement_urls = [
    path("", statements.index, name="index"),
    path("start/", statements.start, name="start"),
    path("certificate/", statements.certificate, name="certificate"),
    path("<int:statement_id>/", statements.detail, name="detail"),
    path("<int:statement_id>/download/", statement_files.download, name="download"),
    path("<int:statement_id>/again/", statements.ask_again, name="ask_again"),
    path("<int:statement_id>/resend-mail/", statements.resend_mail, name="resend_mail"),
    path("<int:statement_id>/revoke/", statements.revoke, name="revoke"),
    path("<int:statement_id>/delete/", statements.delete, name="delete"),
    path("monthly/<int:subscription_id>/end/", statements.unsubscribe, name="unsubscribe"),
    path("verify/", statement_files.verify, name="verify"),
    path("verify/<str:code>/", statement_files.verify, name="verify"),
]

message_urls = [
    path("", messages.index, name="index"),
    path("<int:message_id>/", messages.detail, name="detail"),
    path("mailbox/", messages.mailbox, name="mailbox"),
    path("unsubscribe/<str:token>/", messages.unsubscribe, name="unsubscribe"),
]

payment_urls = [
    path("return/", payments.find_returned, name="find_returned"),
    path("return/<str:reference>/", payments.return_from_provider, name="return_from_provider"),
    path("send/<str:reference>/", payments.send_again, name="send_again"),
    path("webhook/paystack/", payments.webhook, name="webhook"),
]

card_urls = [
    path("", cards.index, name="index"),
    path("<int:card_id>/rename/", cards.rename, name="rename"),
    path("<int:card_id>/default/", cards.make_default, name="make_default"),
    path("<int:card_id>/remove/", cards.remove, name="remove"),
]

user_urls = [
    path("profile/", users.profile, name="profile"),
    path("profile/theme/", users.theme, name="theme"),
    path("profile/hide-balances/", users.hide_balances, name="hide_balances"),
    path("profile/unsent/", users.unsent, name="unsent"),
    path("accounts/", users.security, name="security"),
    path("accounts/sessions/<int:session_id>/end/", users.end_session, name="end_session"),
    path("accounts/sessions/end-others/", users.end_other_sessions, name="end_other_sessions"),
    path("accounts/devices/<int:device_id>/forget/", users.forget_device, name="forget_device"),
    path("accounts/second-step/", users.second_step, name="second_step"),
    path(
        "accounts/email/confirm/<str:token>/", email_changes.confirm_email_change, name="confirm_email_change"
    ),
    path("accounts/email/undo/<str:token>/", email_changes.undo_email_change, name="undo_email_change"),
]

# allauth's list pages, which the security page replaces.
security_lists = [
    path("2fa/", RedirectView.as_view(pattern_name="users:security")),
    path("2fa/webauthn/", RedirectView.as_view(pattern_name="users:security")),
    path("sessions/", RedirectView.as_view(url=reverse_lazy("users:security", fragment="sessions"))),
]

# allauth pages that we override in part.
account_pages = [
    path("signup/", sign_up.sign_up, name="account_signup"),
    path("email/", sign_up.change_email, name="account_email"),
    path("confirm-email/", sign_up.confirm_email, name="account_email_verification_sent"),
]

urlpatterns = [
    path("", include((landing_urls, "landing"))),
    path("", include((user_urls, "users"))),
    path("help/", include((help_urls, "help"))),
    path("dashboard/", include((dashboard_urls, "dashboard"))),
    path("plans/", include((plan_urls, "plans"))),
    path("stash/", include((stash_urls, "stash"))),
    path("stash/", include((payout_urls, "payouts"))),
    path("auto-save/", include((autosave_urls, "autosave"))),
    path("cards/", include((card_urls, "cards"))),
    path("calendar/", include((calendar_urls, "calendar"))),
    path("circles/", include((circle_urls, "circles"))),
    path("transactions/", include((transaction_urls, "transactions"))),
    path("statements/", include((statement_urls, "statements"))),
    path("messages/", include((message_urls, "messages"))),
    path("accounts/", include(security_lists)),
    path("accounts/", include(account_pages)),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("payments/", include((payment_urls, "payments"))),
    path(".well-known/security.txt", well_known.security_txt, name="security_txt"),
    path(".well-known/change-password", well_known.change_password, name="change_password"),
    path("healthz/", health.healthz, name="healthz"),
    path("readyz/", health.readyz, name="readyz"),
    path("echo/", health.echo, name="echo"),
    path("metrics/", metrics.metrics, name="metrics"),
]

# Neither exists in production; the settings exclude both.
if settings.HAS_LAB:
    urlpatterns += [path("lab/", include(("web.views.lab.urls", "lab")))]
if settings.DEBUG_TOOLBAR:
    urlpatterns += [path("__debug__/", include("debug_toolbar.urls"))]

handler400 = "web.views.errors.bad_request"
handler403 = "web.views.errors.forbidden"
handler404 = "web.views.errors.not_found"
handler429 = "web.views.errors.too_many_requests"
handler500 = "web.views.errors.server_error"
# handler429 is allauth's convention, found by that name.
