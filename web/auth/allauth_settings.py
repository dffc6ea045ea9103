"""Settings of django-allauth that no environment variable changes; `web/settings.py` imports all of them."""

ACCOUNT_ADAPTER = "web.auth.account_adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "add_email": "web.forms.users.AddEmailForm",
    "change_password": "web.forms.users.ChangePasswordForm",
    "confirm_email_verification_code": "web.forms.users.ConfirmEmailVerificationCodeForm",
    "confirm_password_reset_code": "web.forms.users.ConfirmPasswordResetCodeForm",
    "login": "web.forms.users.LoginForm",
    "reauthenticate": "web.forms.users.ReauthenticateForm",
    "reset_password": "web.forms.users.ResetPasswordForm",
    "reset_password_from_key": "web.forms.users.ResetPasswordKeyForm",
    "set_password": "web.forms.users.SetPasswordForm",
    "signup": "web.forms.users.SignupForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# A code is typed into the browser in use, while a link opens in whichever browser the mail program chooses, signed
# out. And no program that scans mails can follow a code.
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_FORMAT = {"numeric": True, "length": 8}
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# This code replaces the password, so it is the longer kind: eight letters.
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
# Only allauth's limit on sign-ups is used. All others are in web/auth/guessing.py, because with allauth's anybody can
# use up another user's allowance. `False` turns off both.
ACCOUNT_RATE_LIMITS: dict[str, str | None] = {
    "change_password": None,
    "confirm_email": None,
    "login": None,
    "login_failed": None,
    "manage_email": None,
    "reauthenticate": None,
    "reset_password": None,
    # Reached only after entering a code, which is limited itself.
    "reset_password_from_key": None,
    "signup": "20/m/ip",
}
MFA_RATE_LIMITS = {"webauthn_login": None}
# With confirmation by mail, this hides as much as "strict": known and unknown email addresses are answered alike.
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Long enough to fill in a withdrawal and to confirm it, which is possible for five minutes.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 10 * 60
MFA_ADAPTER = "web.auth.mfa_adapter.MFAAdapter"
MFA_FORMS = {
    "activate_totp": "web.forms.second_steps.ActivateTOTPForm",
    "add_webauthn": "web.forms.second_steps.AddPasskeyForm",
    "authenticate": "web.forms.second_steps.AuthenticateForm",
    "authenticate_webauthn": "web.forms.second_steps.PasskeySecondStepForm",
    "edit_webauthn": "web.forms.second_steps.EditPasskeyForm",
    "login_webauthn": "web.forms.second_steps.PasskeySignInForm",
    "reauthenticate_webauthn": "web.forms.second_steps.PasskeyProofForm",
    "reauthenticate": "web.forms.second_steps.MFAReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Asusu"
# Also accept the previous and the next code: clocks differ, and typing takes time. Each works once; see
# web/auth/totp.py.
MFA_TOTP_TOLERANCE = 1
