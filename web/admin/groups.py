"""Groups for staff: the roles that grant permissions to their members."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse

from savings import users
from savings.models import User
from web.admin.permission_boxes import PicksPermissions
from web.messages import admin as words

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(PicksPermissions, DjangoGroupAdmin):
    """Roles. They grant permissions to their members, so only superusers may edit them."""

    filter_horizontal = ()
    list_display = ("name", "does", "people")
    search_fields = ()
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(members=Count("user"))

    @admin.display(description=words.ROLE_DOES)
    def does(self, group: Group) -> str:
        return words.ROLES.get(group.name, "")

    @admin.display(description=words.ROLE_PEOPLE)
    def people(self, group: Any) -> int:
        return int(group.members)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context["original"]:
            context["lead"] = words.ROLES.get(context["original"].name, "")
        return super().render_change_form(request, context, *args, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        if change and "permissions" in form.changed_data:
            _mail_members(form.instance)

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        _mail_members(obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        # In one transaction, so that a failed deletion sends no mails.
        with transaction.atomic():
            for group in queryset:
                _mail_members(group)
            super().delete_queryset(request, queryset)


def _mail_members(group: Group) -> None:
    for user in User.objects.filter(groups=group):
        users.record_rights_changed(user, ["groups"])
