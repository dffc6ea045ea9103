"""Asking for an action: a form, a preview of exactly what would be posted, and one request for a second person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as notices
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from savings import backoffice, ledger
from savings.backoffice import ACTIONS, Preview, PreviewChanged
from savings.exceptions import Refused
from savings.models import Case, Dispute, Plan, Transaction, User, WebhookEvent
from web import keyset
from web.forms.backoffice_actions import AskForm, Target
from web.forms.backoffice_asking import FORMS
from web.messages import backoffice_cases as messages
from web.pages.backoffice_links import link_to_saver
from web.pages.backoffice_requests import facts, posting
from web.staff_site import render_page, staff, staff_page

# The relations that the page shows and the services read.
_ROWS: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "case": (Case, ("saver",)),
    "transaction": (Transaction, ("user", "plan")),
    "user": (User, ()),
    "plan": (Plan, ("user", "account")),
    "dispute": (Dispute, ("payment__transaction__user",)),
    "event": (WebhookEvent, ()),
}


@staff_page("ask/<slug:action>/", name="ask", permission="savings.view_staffrequest")
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, action: str) -> HttpResponse:
    """Show the form of an action; with a POST its preview, and with the step `ask` ask for it."""
    form_class = FORMS.get(action)
    if form_class is None:
        raise Http404
    by = staff(request)
    if not by.has_perm(ACTIONS[action].permission):
        raise PermissionDenied
    target = _target(request, form_class.needs)
    usual: dict[str, Any] = {"target": target, "action": action, "user": by}
    step = request.POST.get("step", "start") if request.method == "POST" else ""
    if step in {"", "start"}:
        form = _proposal(form_class, usual) if step else form_class(initial=form_class.start(target), **usual)
        shown = _preview(form, form.values(), action, by) if form.is_bound else None
        return _page(request, action, target, form, shown)
    form = form_class(request.POST, **usual)
    if not form.is_valid():
        return _page(request, action, target, form, None)
    # Read first: an error of a field takes its value out of the form.
    values, reason = form.values(), form.cleaned_data["reason"]
    if step == "ask":
        with form.refusals():
            made = backoffice.ask(
                action,
                values,
                asked_by=by,
                reason=reason,
                case=target.case,
                seen=_seen(request.POST.get("seen", ""), action, by),
                reference=form.cleaned_data["reference"],
            )
            notices.success(request, messages.asked(made.expires_at))
            return HttpResponseRedirect(reverse("admin:request", args=[made.pk]))
    return _page(request, action, target, form, _preview(form, values, action, by))


def _proposal(form_class: type[AskForm], usual: dict[str, Any]) -> AskForm:
    """Return a form after the button of another page, with nothing typed: as sent, if what it proposes is complete."""
    form = form_class(initial=form_class.start(usual["target"]), **usual)
    proposed = form_class({"reference": form["reference"].initial, **form.initial}, **usual)
    return proposed if proposed.is_valid() else form


def _seen(signed: str, action: str, by: User) -> Preview:
    """Return the preview that the person has seen. Raises PreviewChanged if there is none."""
    try:
        stored = signing.loads(signed, salt=_salt(action, by))
    except signing.BadSignature:
        raise PreviewChanged(messages.NOT_SEEN) from None
    return Preview(stored["lines"], stored["facts"])


def _preview(form: AskForm, values: dict[str, Any], action: str, by: User) -> Preview | None:
    """Return what a valid form would post. If that is refused, the form says why."""
    try:
        return backoffice.preview(action, values, asked_by=by)
    except Refused as refused:
        # What has just been refused is refused again with the same sentence.
        if str(refused) not in {said for field in form.errors.values() for said in field}:
            form.refuse(refused)
    return None


def _page(
    request: HttpRequest, action: str, target: Target, form: AskForm, shown: Preview | None
) -> HttpResponse:
    by = staff(request)
    saver = target.saver
    return render_page(
        request,
        "ask.html",
        title=_title(action, target),
        status=422 if form.errors else 200,
        target=target,
        saver=saver,
        saver_url=link_to_saver(saver, by),
        form=form,
        preview=shown,
        posting=posting(shown) if shown else None,
        facts=facts(shown.facts) if shown else [],
        seen=signing.dumps({"lines": shown.lines, "facts": shown.facts}, salt=_salt(action, by))
        if shown
        else "",
    )


def _title(action: str, target: Target) -> str:
    is_known = target.purpose in ledger.Purpose.values
    return str(ledger.Purpose(target.purpose).label) if is_known else ACTIONS[action].label


def _target(request: HttpRequest, needs: tuple[str, ...]) -> Target:
    """Return the rows that the URL names. Raises Http404 when one is missing or unknown."""
    found: dict[str, Any] = {}
    for name, (model, related) in _ROWS.items():
        typed = request.GET.get(name, "")
        if not typed and name not in needs:
            continue
        row = None
        if keyset.is_id(typed):
            rows = model._default_manager.all()
            row = (rows.select_related(*related) if related else rows).filter(pk=typed).first()
        if row is None:
            raise Http404
        found[name] = row
    return Target(**found, purpose=request.GET.get("purpose", ""))


def _salt(action: str, by: User) -> str:
    return f"web.admin.asking.{action}.{by.pk}"
