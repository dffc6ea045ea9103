"""Recipients: the bank accounts that savers add to withdraw to."""

from __future__ import annotations

import dataclasses
import logging
import re

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.utils import timezone

from savings import mails, typed_text
from savings.exceptions import ProviderRefused, ProviderUnavailable, Refused
from savings.models import Payout, Recipient, User
from savings.payments import banks, messages, payouts, paystack, transfers

logger = logging.getLogger(__name__)

MOST_RECIPIENTS = 5
# How long a resolved name can be confirmed.
CONFIRM_SECONDS = 10 * 60
_ACCOUNT_NUMBER = re.compile(r"[0-9]{10}")
_FOUND_SALT = "savings.payments.recipients.found"
_UNDO_SALT = "savings.payments.recipients.undo"


@dataclasses.dataclass(frozen=True)
class FoundAccount:
    """A bank account that exists, with the name that the bank has for it. `token` confirms exactly this.

    `is_own` says whether that name is the user's, as far as `is_own_name` can tell.
    """

    bank_code: str
    bank_name: str
    account_number: str
    account_name: str
    is_own: bool
    token: str


def find_account(user: User, *, bank_code: str, account_number: str) -> FoundAccount:
    """Ask the provider whose account this is. Nothing is stored.

    Limit the calls per user: the answer names the owner of any account. Raises Refused, with the field, for an unknown
    bank or account, an account that is not in the user's name where the operator wants that, and when the provider
    does not answer.
    """
    bank = banks.find_bank(bank_code)
    _check_number(account_number)
    if _recipient_or_room(user, bank_code, account_number) is not None:
        raise Refused(messages.ALREADY_ADDED, field="account_number")
    try:
        name = transfers.resolve_account(account_number=account_number, bank_code=bank_code)
    except ProviderRefused as error:
        if error.code == paystack.BAD_KEY:
            raise Refused(messages.PROVIDER_AWAY) from error
        raise Refused(messages.NO_SUCH_ACCOUNT, field="account_number") from error
    except ProviderUnavailable as error:
        logger.warning("an account could not be resolved: %s", error)
        raise Refused(messages.PROVIDER_AWAY) from error
    _check_name(user, name)
    token = signing.dumps([user.pk, bank.code, bank.name, account_number, name], salt=_FOUND_SALT)
    is_own = is_own_name(user.name, name)
    return FoundAccount(bank.code, bank.name, account_number, name, is_own=is_own, token=token)


def add_recipient(user: User, token: str) -> Recipient:
    """Add the account that `find_account` found and the user confirmed, and mail the user.

    A second call with the same token returns the first recipient, if it was not removed. Raises Refused for a token
    that is not this user's or older than ten minutes, for too many accounts, and when the provider does not answer.
    """
    bank_code, bank_name, account_number, account_name = _confirmed(user, token)
    if (earlier := _recipient_or_room(user, bank_code, account_number)) is not None:
        return earlier
    try:
        registered = transfers.create_recipient(
            name=account_name, account_number=account_number, bank_code=bank_code
        )
    except (ProviderRefused, ProviderUnavailable) as error:
        logger.warning("a recipient could not be registered: %s", error)
        raise Refused(messages.PROVIDER_AWAY) from error
    with atomic():
        User.objects.touch(user.pk)
        if (earlier := _recipient_or_room(user, bank_code, account_number)) is not None:
            return earlier
        now = timezone.now()
        recipient = Recipient.objects.create(
            user=user,
            provider=paystack.PROVIDER,
            code=registered.code,
            bank_code=bank_code,
            bank_name=bank_name,
            account_number=account_number,
            account_name=account_name,
            is_default=not user.recipients.current().exists(),
            added_at=now,
            usable_at=now + settings.PAYOUTS.wait,
        )
        mails.recipient_added(recipient, undo_token(recipient))
    return recipient


def remove_recipient(recipient: Recipient) -> int:
    """Remove a bank account, and cancel withdrawals to it that were not sent yet; return how many.

    A second call changes nothing. Another account becomes the default.
    """
    with atomic():
        User.objects.touch(recipient.user_id)
        now = timezone.now()
        if not Recipient.objects.filter(pk=recipient.pk, removed_at=None).update(removed_at=now):
            return 0
        unsent = Payout.objects.filter(recipient=recipient, state__in=Payout.UNSENT)
        cancelled = sum(
            payouts.cancel_locked(payout) for payout in unsent.select_related("transaction__user")
        )
        _choose_default(recipient.user_id)
    return cancelled


def make_default(recipient: Recipient) -> None:
    """Make a bank account the one that the withdrawal page proposes. Does nothing for one that was removed."""
    with atomic():
        User.objects.touch(recipient.user_id)
        if Recipient.objects.filter(pk=recipient.pk, removed_at=None).exists():
            Recipient.objects.filter(user=recipient.user_id).update(is_default=False)
            Recipient.objects.filter(pk=recipient.pk).update(is_default=True)


def undo_token(recipient: Recipient) -> str:
    """Return the token of the link in the mail about a new bank account, which removes it without signing in."""
    return signing.dumps(recipient.pk, salt=_UNDO_SALT)


def recipient_of_token(token: str) -> Recipient | None:
    """Return the bank account of an undo link; None for a link that is not ours or too old."""
    days = settings.EMAIL_UNDO_DAYS
    try:
        pk = signing.loads(token, salt=_UNDO_SALT, max_age=days * 24 * 60 * 60)
    except signing.BadSignature:
        return None
    return Recipient.objects.select_related("user").filter(pk=pk).first()


def same_account(recipient: Recipient) -> QuerySet[Recipient]:
    """Return the recipients of other users with the same bank account, removed ones too, for staff."""
    same = Recipient.objects.filter(account_number=recipient.account_number, bank_code=recipient.bank_code)
    return same.exclude(user=recipient.user_id).select_related("user").order_by("id")


def is_own_name(name: str, account_name: str) -> bool:
    """Return whether two names have two words in common, or all words of the shorter one.

    Without regard to order, case and marks: "Ngozi Adéọlá Okafor" is "OKAFOR NGOZI". One common word, such as a family
    name, is not enough unless a name has only one.
    """
    ours, theirs = _words(name), _words(account_name)
    needed = min(2, len(ours), len(theirs))
    return needed > 0 and len(ours & theirs) >= needed


def _words(name: str) -> set[str]:
    return set(re.findall(r"\w+", typed_text.search_key(name)))


def _check_number(account_number: str) -> None:
    # Not `isdigit`, which also takes digits of other scripts.
    if not _ACCOUNT_NUMBER.fullmatch(account_number):
        raise Refused(messages.TEN_DIGITS, field="account_number")


def _recipient_or_room(user: User, bank_code: str, account_number: str) -> Recipient | None:
    """Return the user's recipient for this bank account, or None if it can be added. Raises Refused for too many.

    One query answers both questions: between two, a second request could add the account.
    """
    current = list(user.recipients.current())
    for recipient in current:
        if (recipient.bank_code, recipient.account_number) == (bank_code, account_number):
            return recipient
    if len(current) >= MOST_RECIPIENTS:
        raise Refused(messages.too_many_recipients(MOST_RECIPIENTS))
    return None


def _check_name(user: User, account_name: str) -> None:
    if settings.PAYOUTS.own_accounts_only and not is_own_name(user.name, account_name):
        raise Refused(messages.other_owner(account_name), field="account_number")


def _confirmed(user: User, token: str) -> tuple[str, str, str, str]:
    try:
        owner, *account = signing.loads(token, salt=_FOUND_SALT, max_age=CONFIRM_SECONDS)
    except signing.SignatureExpired:
        raise Refused(messages.LOOK_UP_EXPIRED) from None
    except signing.BadSignature:
        raise Refused(messages.LOOK_UP_AGAIN) from None
    if owner != user.pk:
        raise Refused(messages.LOOK_UP_AGAIN)
    bank_code, bank_name, account_number, account_name = account
    _check_name(user, account_name)
    return bank_code, bank_name, account_number, account_name


def _choose_default(user_id: int) -> None:
    current = Recipient.objects.filter(user=user_id, removed_at=None)
    Recipient.objects.filter(user=user_id, removed_at__isnull=False).update(is_default=False)
    if not current.filter(is_default=True).exists():
        first = current.order_by("id").first()
        if first is not None:
            Recipient.objects.filter(pk=first.pk).update(is_default=True)
