"""Rights as boxes to tick, in the groups of the navigation: they work on a phone and without JavaScript."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.models import Permission
from django.forms.models import ModelChoiceIterator
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from web import staff_site
from web.forms.picks import ManyPicks
from web.messages import admin as words

# Django's four, in the order of the columns.
_RIGHTS = ("View", "Add", "Change", "Delete")


class GroupedBoxes(forms.CheckboxSelectMultiple):
    """A table of boxes for each group: a row for each list, a column for each usual right, and one for the others."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        tables: dict[str, list[Any]] = {group: [] for group in staff_site.GROUPS}
        counts = dict.fromkeys(staff_site.GROUPS, 0)
        for (group, listed), options, _ in widget["optgroups"]:
            usual = {option["label"]: option for option in options if option["label"] in _RIGHTS}
            special = [option for option in options if option["label"] not in _RIGHTS]
            tables[group].append((listed, [usual.get(right) for right in _RIGHTS], special))
            counts[group] += sum(option["selected"] for option in options)
        groups = [(group, words.rights(counts[group]), rows) for group, rows in tables.items() if rows]
        return render_to_string("admin/_boxes.html", {"rights": _RIGHTS, "groups": groups})


class _ByList(ModelChoiceIterator):
    """The permissions by their group in the navigation and their list, read when the boxes are rendered."""

    def __iter__(self) -> Any:
        groups: dict[tuple[str, str], list[tuple[Any, str]]] = {}
        for permission in self.queryset.select_related("content_type").order_by("content_type__model", "pk"):
            groups.setdefault(_group(permission), []).append((permission.pk, _right(permission)))
        return iter(sorted(groups.items()))


class PermissionsField(forms.ModelMultipleChoiceField):
    """The permissions by their list, in words."""

    widget = GroupedBoxes
    iterator = _ByList


class PicksPermissions:
    """For the admin of a model with permissions, and with groups of them: boxes instead of Django's two lists."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)  # type: ignore[misc] # of the admin
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            # Without the wrapper's link to a window of its own.
            field.widget = field.widget.widget
        return field

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **options: Any) -> Any:
        if db_field.remote_field.model is Permission:
            return db_field.formfield(form_class=PermissionsField)
        return db_field.formfield(widget=ManyPicks(words.ROLES), help_text="")


def _group(permission: Permission) -> tuple[str, str]:
    """Return the group in the navigation, and the name of the list."""
    kind = permission.content_type
    model = kind.model_class()
    if model is None:
        return staff_site.group_of(""), capfirst(kind.model)
    names = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
    listed = capfirst(words.names(model._meta.label_lower, *names)[1])
    return staff_site.group_of(model._meta.object_name or ""), listed


def _right(permission: Permission) -> str:
    """Return what a permission allows: “View” for Django's four, whose names repeat the list, else its name."""
    action, _, model = permission.codename.partition("_")
    if model == permission.content_type.model and action in {"add", "change", "delete", "view"}:
        return capfirst(action)
    return capfirst(permission.name.removeprefix("Can "))
