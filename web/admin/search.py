"""The one search of staff, in the header of every page of the admin."""

from __future__ import annotations

from itertools import groupby

from django.contrib import messages as notices
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from savings import backoffice
from savings.backoffice import Hit
from web.http import search_text
from web.messages import backoffice_search as messages
from web.staff_site import render_page, staff, staff_page


@staff_page("search/", name="search", permission="")
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What a typed text names. A single match opens at once."""
    text, reader = search_text(request), staff(request)
    hits = backoffice.search(text, may=reader.has_perm)
    if text:
        # Without what was typed, which may be a person's name.
        kinds = sorted({hit.model for hit in hits})
        saver_ids = {hit.saver_id for hit in hits}
        backoffice.record(
            backoffice.Verb.SEARCHED,
            by=reader,
            saver=hits[0].saver_id if len(saver_ids) == 1 else None,
            subject=f"found:{','.join(kinds) or 'nothing'}"[:80],
        )
    if len(hits) == 1:
        notices.info(request, messages.only_match(hits[0].model))
        return HttpResponseRedirect(_url(hits[0]))
    title = messages.matches(len(hits), text)
    return render_page(request, "search.html", title=title, search=text, groups=_groups(hits))


def _groups(hits: list[Hit]) -> list[tuple[str, str, list[tuple[Hit, str]]]]:
    """Return the hits by kind: the heading, a note where there are more, and each hit with its page."""
    groups = []
    ordered = sorted(hits, key=lambda hit: list(messages.KINDS).index(hit.model))
    for model, found in groupby(ordered, key=lambda hit: hit.model):
        rows = sorted(((hit, _url(hit)) for hit in found), key=lambda row: (row[0].title, row[0].id))
        groups.append((messages.KINDS[model][1], messages.more_than_shown(len(rows)), rows))
    return groups


def _url(hit: Hit) -> str:
    if hit.model == "user":
        return reverse("admin:saver", args=[hit.id])
    return reverse(f"admin:savings_{hit.model}_change", args=[hit.id])
