"""The admin of people, and what every other app's admin builds on: rows that are facts are looked at, never touched."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.forms import Media, ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry, User
from accounts.services import api_devices, client_address, notices
from accounts.services.audit import record

admin.site.site_title = admin.site.site_header = _("Kairos 관리")
admin.site.index_title = _("무엇을 볼까요?")
admin.site.unregister(Group)  # the role on the person decides; a group would only look as if it did


class _Untouchable:
    """No adding, no changing, no deleting, not even for an admin: these rows change through services alone."""

    def has_add_permission(self, *_args: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any) -> bool:
        return False

    def has_delete_permission(self, *_args: Any) -> bool:
        return False


class LightAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Without Django's scripts for slugs, which no form of ours has: they are half of a page's weight."""

    @property
    def media(self) -> Media:
        names = ("vendor/jquery/jquery.min", "jquery.init", "core", "admin/RelatedObjectLookups", "actions")
        return Media(js=[f"admin/js/{name}.js" for name in names])


class FactsAdmin(_Untouchable, LightAdmin):
    """A model whose rows are facts."""

    show_full_result_count = False  # one COUNT less on tables that only grow
    list_per_page = 50
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every column, also those no form would offer: when a row was written is part of the fact."""
        return [field.name for field in self.model._meta.fields if field.name not in (self.exclude or ())]


class FactsInline(_Untouchable, admin.TabularInline):  # type: ignore[type-arg]
    """Facts about the row shown above them."""

    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [str(name) for name in self.fields or ()]


class KeptAdmin(LightAdmin):
    """A model other rows point to: it may be changed where its fields say so, but never deleted."""

    list_per_page = 50

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """With its entry in the audit: which fields, from what to what."""
        super().save_model(request, obj, form, change)
        before = {name: form.initial.get(name) for name in form.changed_data} if change else {}
        after = {name: form.cleaned_data.get(name) for name in form.changed_data}
        _keep(request, "changed" if change else "added", obj, before, after)


def _keep(request: HttpRequest, act: str, obj: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert isinstance(request.user, User)  # noqa: S101 only admins come here
    subject = f"{obj._meta.model_name}:{obj.pk}"
    record(request.user, f"admin_{act}", subject, before, after, address=client_address(request))


class PersonForm(ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email", "name", "role", "is_active", "language", "time_zone"]


class NewPersonForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["email", "name", "role"]


@admin.register(User)
class PersonAdmin(UserAdmin, KeptAdmin):  # type: ignore[type-arg]
    """People: role and state. A password is never shown, not even as a hash; it can be replaced."""

    form = PersonForm
    add_form = NewPersonForm
    ordering = ["email"]
    actions = ["end_sign_ins"]
    list_display = ["email", "name", "role", "is_active", "is_2fa_enabled", "last_login", "created_at"]
    list_filter = ["role", "is_active", "is_2fa_enabled", "language"]
    search_fields = ["email", "name"]
    filter_horizontal = []
    readonly_fields = ["new_password", "is_2fa_enabled", "last_login", "created_at", "updated_at"]
    fieldsets = [
        (None, {"fields": ["email", "name", "new_password"]}),
        (_("권한"), {"fields": ["role", "is_active", "is_2fa_enabled"]}),
        (_("표시"), {"fields": ["language", "time_zone"]}),
        (_("기록"), {"fields": ["last_login", "created_at", "updated_at"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "name", "role", "usable_password", "password1", "password2"]})]

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 Django's
        response = super().user_change_password(request, id, form_url)
        if response.status_code == HTTPStatus.FOUND:
            user = User.objects.get(pk=id)
            _keep(request, "password_set", user, {}, {})
            notices.tell_security(user, "password_changed")
        return response

    @admin.action(description=_("모든 기기에서 로그아웃"), permissions=["change"])
    def end_sign_ins(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Browsers, apps and tokens of these people, at once (security.md 7.4.5)."""
        for user in people:
            ended = api_devices.end_devices(user, "by_admin")
            _keep(request, "ended_sign_ins", user, {}, {"devices": ended})
        self.message_user(request, _("모든 기기에서 로그아웃했습니다."))

    @admin.display(description=_("비밀번호"))
    def new_password(self, user: User) -> SafeString:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:auth_user_password_change", args=[user.pk]), _("새로 정하기")
        )


@admin.register(AuditEntry)
class AuditAdmin(FactsAdmin):
    """Privileged acts as they were kept: read here, proven by `manage.py verify_audit`."""

    list_display = ["number", "at", "actor", "action", "subject", "result", "address"]
    list_filter = ["action", "result"]
    search_fields = ["actor", "subject"]
    date_hierarchy = "at"
