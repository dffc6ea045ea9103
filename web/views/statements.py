"""Statements: the list, the request form, and the actions on each statement."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from savings import statements
from savings.models import Statement
from web import access, keyset
from web.forms.certificates import CertificateForm
from web.forms.statements import StatementForm
from web.http import SaverRequest, redirect, render_part, wants_part
from web.messages import statements as messages
from web.notices import notify
from web.pages import messages as message_pages
from web.pages import statement_jobs
from web.pages import statements as statement_pages
from web.pages.polling import polls_so_far

# Statements that are being written are on top of the page, at most this many; the rest are in the list.
_MOST_JOBS = 10


def index(request: SaverRequest) -> HttpResponse:
    """Every statement, newest first, in keyset pages; unfinished ones on top, and the request form beside them."""
    if wants_part(request) and "watch" in request.GET:
        return _watch(request)
    jobs = [
        statement_pages.row(one)
        for one in access.own_statements(request).unfinished().order_by("-id")[:_MOST_JOBS]
    ]
    page = keyset.page(access.own_statements(request).exclude(pk__in=[job.id for job in jobs]), request.GET)
    context = {
        **statement_jobs.jobs(jobs),
        "page": page,
        "rows": [statement_pages.row(one) for one in page.rows],
    }
    if not wants_part(request):
        context |= {
            "form": StatementForm(user=request.user),
            "subscriptions": statement_pages.subscriptions(request.user),
        }
    return render_part(request, "statements/index.html", "listing", context)


@sensitive_post_parameters("password")
def start(request: SaverRequest) -> HttpResponse:
    """Request a statement. With GET, the query fills in the form, and the response previews the number of rows."""
    if request.method != "POST":
        form = StatementForm(user=request.user, initial=request.GET.dict())
        if form.initial["about"] not in form.subjects:
            raise Http404
        context = {"form": form, "ahead": form.look_ahead()}
        return render_part(request, "statements/start.html", "ahead", context)
    form = StatementForm(request.POST, user=request.user)
    if form.is_valid():
        with form.refusals():
            _ask(request, form)
            return redirect(request, reverse("statements:index"))
    context = {"form": form, "ahead": form.look_ahead()}
    return render_part(request, "statements/start.html", "form", context, status=422)


def certificate(request: SaverRequest) -> HttpResponse:
    """Request a certificate of the interest and tax of a year."""
    form = CertificateForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method != "POST":
        return render_part(request, "statements/certificate.html", "form", {"form": form})
    if form.is_valid():
        with form.refusals():
            requested = statements.request_certificate(request.user, **form.cleaned_data)
            _say_requested(request, requested)
            return redirect(request, reverse("statements:index"))
    return render_part(request, "statements/certificate.html", "form", {"form": form}, status=422)


def detail(request: SaverRequest, statement_id: int) -> HttpResponse:
    """One statement: its state, file and mail, and the actions on it."""
    statement = access.own_statement(request, statement_id)
    row = statement_pages.row(statement)
    polls = polls_so_far(request.GET)
    if polls and not row.is_unfinished:
        _say_finished(request, row)
    context = statement_pages.detail(statement, row, polls)
    context["message"] = message_pages.newest_about(statement)
    # Set after a sign-in on the way to the file: show the page, then start the download.
    context["starts_download"] = "download" in request.GET
    return render_part(request, "statements/detail.html", "statement", context)


@require_POST
def ask_again(request: SaverRequest, statement_id: int) -> HttpResponse:
    """Request the same statement again."""
    _say_requested(request, statements.ask_again(access.own_statement(request, statement_id)))
    return redirect(request, reverse("statements:index"))


@require_POST
def resend_mail(request: SaverRequest, statement_id: int) -> HttpResponse:
    """Send the mail with the link once more."""
    statements.resend_mail(access.own_statement(request, statement_id))
    notify(request, messages.EMAIL_SENT, messages.sent_to(request.user.email))
    return redirect(request, reverse("statements:detail", args=[statement_id]))


@require_POST
def revoke(request: SaverRequest, statement_id: int) -> HttpResponse:
    """Invalidate the link to a file and delete the file."""
    statements.revoke(access.own_statement(request, statement_id))
    notify(request, messages.REVOKED, messages.FILE_DELETED)
    return redirect(request, reverse("statements:index"))


@require_POST
def delete(request: SaverRequest, statement_id: int) -> HttpResponse:
    """Delete a statement with its file."""
    statements.delete(access.own_statement(request, statement_id))
    notify(request, messages.DELETED)
    return redirect(request, reverse("statements:index"))


@require_POST
def unsubscribe(request: SaverRequest, subscription_id: int) -> HttpResponse:
    """End a monthly statement."""
    subscription = get_object_or_404(request.user.statement_subscriptions, pk=subscription_id)
    statements.unsubscribe(subscription)
    notify(request, messages.MONTHLY_STOPPED, messages.OLD_ONES_STAY)
    return redirect(request, reverse("statements:index"))


def _watch(request: SaverRequest) -> HttpResponse:
    """Show the progress of the statements on top of the page, with a notice for each that has finished."""
    watched = statement_jobs.watched(request.GET)
    jobs = [
        statement_pages.row(one)
        for one in access.own_statements(request).filter(pk__in=watched.ids).order_by("-id")
    ]
    for job in jobs:
        if job.id in watched.unfinished and not job.is_unfinished:
            _say_finished(request, job)
    return render_part(request, "statements/index.html", "jobs", statement_jobs.jobs(jobs, watched.polls))


def _say_requested(
    request: SaverRequest, statement: Statement, note: str = messages.EMAIL_WHEN_READY
) -> None:
    notify(request, messages.MAKING, note, about=_about(statement.pk))


def _about(statement_id: int) -> str:
    """Return what the notices of one statement are about: the newest one replaces the others."""
    return f"statement-{statement_id}"


def _say_finished(request: SaverRequest, row: statement_pages.StatementRow) -> None:
    if row.state == Statement.State.READY:
        notify(request, messages.READY, messages.named(row.subject, row.title), about=_about(row.id))
    elif row.is_bad:
        notify(request, messages.NOT_MADE, row.says, is_bad=True, about=_about(row.id))


def _ask(request: SaverRequest, form: StatementForm) -> None:
    """Request the statement of a valid form, and subscribe to the monthly ones if chosen. Raises Refused."""
    values, (scope, plan, circle) = form.cleaned_data, form.subject
    statement = statements.request(
        request.user,
        scope=scope,
        plan=plan,
        circle=circle,
        since=values["since"],
        until=values["until"],
        format=values["format"],
        password=values["password"],
    )
    note = messages.EMAIL_WHEN_READY
    if values["monthly"]:
        statements.subscribe(request.user, scope=scope, plan=plan, circle=circle, format=values["format"])
        note = messages.EMAIL_WHEN_READY_AND_MONTHLY
    if statement.state == Statement.State.READY:
        notify(request, messages.ALREADY_HERE, messages.SAME_A_MOMENT_AGO)
    else:
        _say_requested(request, statement, note)
