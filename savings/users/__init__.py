"""Users: profiles, devices, passwords and other credentials, email addresses, and the mails about them."""

from savings.users.credentials import (
    cancel_pending_logins,
    end_sessions,
    lock_user_for,
    may_change,
    record_password_set,
    record_rights_changed,
    remove_second_steps,
    set_active,
    set_password,
)
from savings.users.email_addresses import clean_email, is_email_reserved, users_with_email
from savings.users.email_changes import (
    LinkExpired,
    change_email,
    confirm_email,
    email_proposal,
    propose_email,
    resend_proposal,
    undo_email_change,
    undoable_email_change,
)
from savings.users.messages import EMAIL_TAKEN
from savings.users.profiles import (
    change_profile,
    change_theme,
    clean_name,
    forget_device,
    known_device,
    recognise_device,
    unsubscribe,
    use_totp_step,
    welcome,
)
from savings.users.security_mails import notify_of_change, send_security_mail
from savings.users.sessions import clear_sessions

__all__ = [
    "EMAIL_TAKEN",
    "LinkExpired",
    "cancel_pending_logins",
    "change_email",
    "change_profile",
    "change_theme",
    "clean_email",
    "clean_name",
    "clear_sessions",
    "confirm_email",
    "email_proposal",
    "end_sessions",
    "forget_device",
    "is_email_reserved",
    "known_device",
    "lock_user_for",
    "may_change",
    "notify_of_change",
    "propose_email",
    "recognise_device",
    "record_password_set",
    "record_rights_changed",
    "remove_second_steps",
    "resend_proposal",
    "send_security_mail",
    "set_active",
    "set_password",
    "undo_email_change",
    "undoable_email_change",
    "unsubscribe",
    "use_totp_step",
    "users_with_email",
    "welcome",
]
