"""Users, their changes of email address, and the devices they have signed in from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import connections, models
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone

from savings import typed_text
from savings.models.keys import Keyed, KeyedQuerySet, KeyField

if TYPE_CHECKING:
    _Integer = models.BigIntegerField[int, int]
else:
    _Integer = models.BigIntegerField


class VersionField(_Integer):
    """A counter that is incremented in the database whenever its row is saved, whatever value the instance holds.

    Saving the value as it was read would undo increments made since, and stale cached pages would be valid again.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's
        return super().pre_save(model_instance, add) if add else F(self.attname) + 1

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.BigIntegerField", args, kwargs


class UserManager(BaseUserManager["User"]):
    """Creates and finds users by email address, their only sign-in name."""

    def get_queryset(self) -> KeyedQuerySet[User]:
        return KeyedQuerySet(self.model, using=self._db)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=typed_text.email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def touch(self, user_id: int) -> None:
        """Increment the user's `version`, which is in the key of their cached pages, and so lock the user's row."""
        # Part of every posting. As SQL it takes a third of the time of the ORM's update.
        with connections[self.db].cursor() as cursor:
            cursor.execute("UPDATE savings_user SET version = version + 1 WHERE id = %s", [user_id])

    def touch_all(self, users: models.QuerySet[User]) -> None:
        """Increment the version of every user in a queryset."""
        users.update(version=F("version") + 1)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=typed_text.email(username or ""))


class User(Keyed, AbstractBaseUser, PermissionsMixin):
    """A user: a saver, a member of staff, or both."""

    class Theme(models.TextChoices):
        AUTO = "", "Auto"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Frozen(models.TextChoices):
        """What staff have stopped for a saver."""

        NOTHING = "", "Not frozen"
        WITHDRAWALS = "withdrawals", "No withdrawals"
        MOVEMENTS = "movements", "No movements"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=80)
    # The key by which staff search for users.
    name_search = KeyField("name", typed_text.search_key)
    theme = models.CharField(max_length=5, choices=Theme, default=Theme.AUTO, blank=True)
    wants_receipts = models.BooleanField("email for each top-up", default=True)
    wants_rank_changes = models.BooleanField(
        "email when a rank in a circle changes", default=True, db_default=True
    )
    wants_weekly_digest = models.BooleanField("email about circles on Mondays", default=True, db_default=True)
    wants_goal_reached = models.BooleanField(
        "email when a plan reaches its goal", default=True, db_default=True
    )
    wants_autosave_notices = models.BooleanField(
        "email the day before an auto-save", default=True, db_default=True
    )
    # Whether the user wants interest at all. Off is a rate of 0 on every plan from the next day on.
    earns_interest = models.BooleanField(default=True, db_default=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    # Staff set it with a reason. Interest goes on.
    frozen = models.CharField(
        max_length=11, choices=Frozen, default=Frozen.NOTHING, db_default="", blank=True, editable=False
    )
    # When staff closed the account for good, and when they erased the person's data after that.
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    date_joined = models.DateTimeField(default=timezone.now)
    # When a credential, second step or email address last changed. Codes and unfinished sign-ins from before are void.
    credentials_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Incremented in the transaction of every change that this user sees: part of the key of all their cached pages.
    version = VersionField(default=0, editable=False)

    # The user's part of cache keys: the version and its validity (web/auth/sessions.py). Empty when the user was not
    # loaded from a session; nothing is cached then.
    shown_as = ""

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        permissions = [
            ("see_saver", "Can look at a saver’s page"),
            ("help_user", "Can help a saver to sign in"),
            ("freeze_user", "Can freeze savers"),
            ("close_user", "Can close accounts"),
            ("hand_over_data", "Can export a saver’s data, and ask for its erasure"),
        ]
        constraints = [
            # Two spellings of one email address would be two users.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(
                condition=models.Q(erased_at__isnull=True) | models.Q(closed_at__isnull=False),
                name="user_closed_before_erased",
            ),
        ]
        indexes = [
            # The list of staff among all users.
            models.Index(fields=["-id"], name="user_staff", condition=models.Q(is_staff=True)),
            # Frozen and closed accounts, for staff.
            models.Index(fields=["-id"], name="user_frozen", condition=~models.Q(frozen="")),
            models.Index(fields=["-id"], name="user_closed", condition=models.Q(closed_at__isnull=False)),
            # Users by the beginning of their name, for staff.
            models.Index(fields=["name_search"], name="user_by_name", opclasses=["text_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def first_name(self) -> str:
        """The word to greet the user with."""
        return self.name.split()[0] if self.name.split() else self.email.partition("@")[0]

    @property
    def initials(self) -> str:
        words = self.name.split() or [self.email]
        return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()

    @property
    def is_privileged(self) -> bool:
        """Whether only a superuser may change this user's credentials and permissions."""
        return self.is_staff or self.is_superuser

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.first_name


class EmailChange(models.Model):
    """A change of email address, proposed by staff or in effect. Stored to undo it and to find former addresses."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_changes")
    old_email = models.EmailField()
    new_email = models.EmailField()
    # Empty when the user changed it, or an operator on the command line.
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    # Empty until the new address is confirmed. Only then can it be used to sign in and receive mails.
    effective_at = models.DateTimeField(null=True, blank=True)
    # Until then the old address can undo the change, and no other user can take it.
    undo_until = models.DateTimeField(null=True, blank=True)
    # When the change was undone, cancelled, or overruled by an older one that was undone.
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # The former owner of an address: the search of staff, and whether a sign-up may use it.
            models.Index(fields=["old_email"], name="email_change_old_email"),
        ]

    def __str__(self) -> str:
        return f"{self.old_email} to {self.new_email}"


class Device(models.Model):
    """A browser that a user has signed in from, recognised by a random token in its cookie."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="devices")
    token_hash = models.CharField(max_length=64)
    label = models.CharField(max_length=80)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "token_hash"], name="device_once_per_user"),
        ]
        indexes = [
            # Whether a user has signed in from a browser: savings.users.profiles.known_device.
            models.Index(fields=["token_hash"], name="device_token"),
        ]

    def __str__(self) -> str:
        return self.label


class UsedTotpStep(models.Model):
    """The newest 30-second step whose authenticator code a user has used. No code up to this step is accepted again."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    step = models.BigIntegerField()

    class Meta:
        verbose_name = "used authenticator code"

    def __str__(self) -> str:
        return str(self.step)
