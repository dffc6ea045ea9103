"""Base classes of the admin: keyset pages, exact search, and no query that reads a whole table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminEmailInputWidget, AdminTextInputWidget
from django.db.models import CharField, EmailField, QuerySet, SlugField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from savings import references, statements, typed_text, users
from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused
from savings.models.users import VersionField
from web import keyset
from web.admin import cells, row_pages, shown
from web.forms.changes import KnowsChanges
from web.forms.fields import EmailField as TypedEmailField
from web.forms.fields import LineField
from web.messages import admin as words
from web.staff_site import staff

logger = logging.getLogger(__name__)
# An action on the rows of a list, and as a button on the page of one row.
EVERYWHERE = [admin.ActionLocation.CHANGE_LIST, admin.ActionLocation.CHANGE_FORM]


class KeysetList(ChangeList):
    """A list in keyset pages, newest first. It never counts rows, so page 10,000 costs as much as page 1."""

    model_admin: StaffAdmin

    def is_oldest_first(self, request: HttpRequest) -> bool:
        """Return whether the list begins with the row that has waited longest."""
        return False

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return {
            name: value
            for name, value in super().get_filters_params(params).items()
            if name not in {"before", "after"}
        }

    def get_results(self, request: HttpRequest) -> None:
        self.reader = staff(request)
        self.page = keyset.page(
            self.queryset,
            request.GET,
            size=self.list_per_page,
            oldest_first=self.is_oldest_first(request),
        )
        self.result_list = self.page.rows
        self.model_admin.prepare(self.result_list)
        self._name_rows(request)
        self.result_count = len(self.page.rows)
        # Equal values, so that Django shows no total, which would be the size of this page.
        self.full_result_count = self.result_count
        self.show_full_result_count = False
        self.show_admin_actions = bool(self.page.rows)
        self.can_show_all = False
        self.multi_page = False
        self.paginator = None

    @property
    def has_rows(self) -> bool:
        """Whether the list has rows, as far as this page can tell: a search or filter may have hidden them all."""
        return bool(self.result_list or self.query or self.has_active_filters)

    @property
    def only_match(self) -> str:
        """The page of the only row that a search has found; empty if there are more, or none."""
        is_one = self.query and len(self.result_list) == 1 and not (self.page.newer or self.page.older)
        return str(self.url_for_result(self.result_list[0])) if is_one else ""

    @property
    def has_tools(self) -> bool:
        """Whether a row above the list has a search or filters, beside which the export stands."""
        return bool(self.search_fields or self.has_filters)

    def _name_rows(self, request: HttpRequest) -> None:
        """Write the rows that the list refers to in words. An export has the columns as they were."""
        links = set(self.list_display_links or ())
        # The first column has the link to the row, in which no other link may be.
        named = {
            name: cells.column(name, self.model_admin, staff(request), links=name not in links, in_list=True)
            for name in self.list_display
        }
        self.list_display = [named[name] for name in self.list_display]
        self.list_display_links = [named[name] for name in self.list_display_links or ()]


class ConditionFilter(admin.SimpleListFilter):
    """A filter of named conditions, each of which has an index."""

    conditions: ClassVar[dict[str, tuple[str, Callable[[Any], QuerySet[Any]]]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.conditions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if self.value() not in self.conditions:
            return None
        return self.conditions[str(self.value())][1](queryset)


class OfOne(admin.SimpleListFilter):
    """A filter that is offered only when a link has set it: the rows of one `title`."""

    def path_in(self, model_admin: Any) -> str:
        """Return the path of lookups from a row to the one that the filter is about."""
        return str(self.parameter_name)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.path = self.path_in(model_admin)
        value = str(self.value() or "")
        return [(value, f"One {self.title}")] if keyset.is_id(value) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.path: self.value()})


class OfUser(OfOne):
    """The rows of one user."""

    title = "saver"
    parameter_name = "user"

    def path_in(self, model_admin: Any) -> str:
        return str(model_admin.user_path)


class ChangedForm(KnowsChanges, ModelForm):
    """A form for one row that saves only changed fields, because users may change their rows meanwhile."""

    def _post_clean(self) -> None:
        # The instance was just loaded; a field that is not in the cleaned data stays unchanged.
        for name in self.cleaned_data.keys() - set(self.changed_data):
            del self.cleaned_data[name]
        super()._post_clean()  # type: ignore[misc] # the stubs lack it


class StaffAdmin(admin.ModelAdmin):
    """A list searched by exact values only, so that each search is one index lookup."""

    change_list_template = "admin/keyset_list.html"
    list_per_page = 50
    ordering = ("-id",)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    # Normalise names and email addresses as on the other pages.
    formfield_overrides: ClassVar[dict[type[Any], dict[str, Any]]] = {
        EmailField: {"form_class": TypedEmailField, "widget": AdminEmailInputWidget},
        SlugField: {},
        CharField: {"form_class": LineField, "widget": AdminTextInputWidget},
    }
    # The fields that are searched by exact value; "email" is the email address of the row's user.
    finds_by: ClassVar[tuple[str, ...]] = ()
    list_filter: ClassVar[tuple[type[admin.SimpleListFilter], ...]] = ()
    # Relations shown in the list, for `select_related`.
    relations: ClassVar[tuple[str, ...]] = ()
    # The lookup path to the user whose email address is searched; empty if there is none.
    user_path = "user"
    # The column that names a row on a phone, if not the first.
    main_column = ""
    # Columns that stand as a second line below another one, by name.
    second_lines: ClassVar[dict[str, str]] = {}
    # The parts of a row on a phone that the list chooses itself, by column; see web/templatetags/staff.py.
    phone_parts: ClassVar[dict[str, str]] = {}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": capfirst(self.name_of_list()), **(extra_context or {})}
        return super().changelist_view(request, context)

    def prepare(self, rows: Sequence[Any]) -> None:
        """Read what the columns need of other tables, for all rows of a page or an export at once."""

    def name_of_list(self) -> str:
        """Return what the list is called on pages."""
        single, plural = str(self.opts.verbose_name), str(self.opts.verbose_name_plural)
        return words.names(self.opts.label_lower, single, plural)[1]

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        return tuple(
            shown.column(self.model, name, in_list=True) for name in super().get_list_display(request)
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # The page of one row uses the same relations as the list.
        rows = super().get_queryset(request)
        return rows.select_related(*self.relations) if self.relations else rows

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None and field.label:
            field.label = words.field(db_field.name, str(field.label))
        return field

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (ChangedForm, form), {}) if obj else form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        if not change:
            super().save_model(request, obj, form, change)
            return
        columns = {field.name for field in obj._meta.concrete_fields}
        # A version field changes with every save.
        versions = {field.name for field in obj._meta.concrete_fields if isinstance(field, VersionField)}
        if changed := columns & set(form.changed_data):
            obj.save(update_fields=changed | versions)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.finds_by

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = typed_text.line(search_term)
        if not term:
            return queryset, False
        if "@" in term and self.user_path:
            # Users with this email address now or before a change.
            return queryset.filter(**{f"{self.user_path}__in": users.users_with_email(term)}), False
        # References and codes are dictated, and typed in either case and in groups.
        typed = {term, term.upper(), references.cleaned(term), statements.cleaned_code(term)} - {""}
        fields = [
            field for field in self.finds_by if field != "email" and (field != "id" or keyset.is_id(term))
        ]
        return reduce(
            or_,
            (queryset.filter(**{f"{field}__in": {term} if field == "id" else typed}) for field in fields),
            queryset.none(),
        ), False

    def do_to_each(self, request: HttpRequest, chosen: Iterable[Any], act: Callable[[Any], str]) -> None:
        """Run an action on each row and show the message that `act` returns.

        An error on one row, of any kind, does not stop the others.
        """
        for row in list(chosen):
            try:
                said = act(row)
            except Exception as error:
                if not isinstance(error, (Refused, ProviderUnavailable, ProviderRefused)):
                    logger.exception("an action of staff failed for %s %s", self.opts.model_name, row.pk)
                why = str(error) if isinstance(error, Refused) else typed_text.describe_error(error)
                self.message_user(request, f"{self.name_in_messages(row)}: {why}", messages.ERROR)
                continue
            self.log_change(request, row, said)
            self.message_user(request, f"{self.name_in_messages(row)}: {said}", messages.SUCCESS)

    def name_in_messages(self, row: Any) -> str:
        """Return the name of a row in an action's messages."""
        return str(row)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Only the offered filters have indexes; any other lookup in the URL could read a whole table.
        return lookup in {its.parameter_name for its in self.list_filter}


class ReadOnlyAdmin(StaffAdmin):
    """Rows that nobody may edit here, not even a superuser; changes are actions, which are buttons on a row's page."""

    change_form_template = "admin/row.html"
    # The fields that stand at the head of a row's page as figures.
    head: ClassVar[tuple[str, ...]] = row_pages.HEAD
    # Fields that few need, folded at the end; and fields with a card of their own.
    folded: ClassVar[tuple[str, ...]] = ()
    cards: ClassVar[tuple[str, ...]] = ()

    def meaning(self, row: Any) -> str:
        """Return what the figures of a row's page mean, if they do not say it."""
        return ""

    def fits(self, row: Any, action: str) -> bool:
        """Return whether an action is possible on a row, and so has a button on its page."""
        return True

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the groups of fields, without those that have no value: the page names them on one line."""
        missing = [] if obj is None else self._without_value(obj)
        return [
            (
                title,
                {
                    **options,
                    "fields": [
                        cells.column(shown.column(self.model, name), self, staff(request))
                        for name in options["fields"]
                        if name not in missing
                    ],
                },
            )
            for title, options in super().get_fieldsets(request, obj)
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context["original"]
        self.prepare([row])
        without = self._without_value(row)
        missing = [
            capfirst(words.field(name, str(label_for_field(name, self.model, self)))) for name in without
        ]
        form = context.pop("action_form", None)
        choices = form.fields["action"].choices if form else []
        context |= row_pages.page_of(
            row,
            context["adminform"],
            self.head,
            folded=self.folded,
            cards=self.cards,
        )
        context["meaning"] = self.meaning(row)
        context["missing"] = [*missing, *context["missing"]]
        context["deeds"] = row_pages.deeds(
            [(name, label) for name, label in choices if name and self.fits(row, name)]
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def _without_value(self, row: Any) -> list[str]:
        """Return the columns of a row's page that are empty. What a method calculates counts as a value."""
        columns = {field.name: field.attname for field in self.model._meta.concrete_fields}
        named = list(columns) if self.fields is None else [str(name) for name in self.fields]
        left_out = set(self.exclude or ())
        return [
            name
            for name in named
            if name in columns and name not in left_out and getattr(row, columns[name]) in (None, "", [], {})
        ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
