"""A password hasher that counts its calls."""

from __future__ import annotations

from django.contrib.auth.hashers import MD5PasswordHasher


class CountedHasher(MD5PasswordHasher):
    runs = 0

    def encode(self, password: str, salt: str) -> str:
        CountedHasher.runs += 1
        return super().encode(password, salt)
