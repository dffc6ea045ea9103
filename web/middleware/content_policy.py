"""The Content Security Policy of the site's pages, for SECURE_CSP in the settings."""

from __future__ import annotations

from django.utils.csp import CSP


def content_policy(checkout_origin: str) -> dict[str, list[str]]:
    """Return the policy: everything from the site itself, except paying at the provider's checkout origin."""
    return {
        "default-src": [CSP.NONE],
        "script-src": [CSP.SELF],
        "style-src": [CSP.SELF],
        "img-src": [CSP.SELF],
        "font-src": [CSP.SELF],
        "connect-src": [CSP.SELF],
        "manifest-src": [CSP.SELF],
        # Chromium applies form-action to the redirect after a POST, and a payment redirects to the provider.
        "form-action": [CSP.SELF, checkout_origin],
        "base-uri": [CSP.NONE],
        "frame-ancestors": [CSP.NONE],
    }
