"""The cache: its calls are counted, and sign-in while Redis is down is still possible and still limited."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.core.cache import cache, caches
from django.test import Client
from django.utils import timezone

from savings.models import User
from tests.factories import PASSWORD
from web.caching.cache import Cache
from web.counts import counting

pytestmark = pytest.mark.django_db


def sign_in(client: Client, user: User, password: str = PASSWORD) -> int:
    return client.post("/accounts/login/", {"login": user.email, "password": password}).status_code


def test_users_sign_in(without_redis: None, client: Client, saver: User) -> None:
    assert sign_in(client, saver) == 302
    assert client.get("/profile/").status_code == 200


def test_wrong_passwords_are_counted_all_the_same(without_redis: None, client: Client, saver: User) -> None:
    for _ in range(5):
        sign_in(client, saver, "wrong-password")
    assert sign_in(client, saver) == 429
    with time_machine.travel(timezone.now() + datetime.timedelta(minutes=6)):
        assert sign_in(client, saver) == 302


def test_uncounted_keys_are_only_lost(without_redis: None) -> None:
    cache.set("total", 5)
    assert cache.get("total") is None


def test_counters_are_shared_while_redis_is_there() -> None:
    cache.set("allauth:rl:x", [1.0], 60)
    other = Cache(
        caches.settings["default"]["LOCATION"], caches.settings["default"] | {"KEY_PREFIX": "asusu"}
    )
    assert other.get("allauth:rl:x") == [1.0]


def test_the_session_is_no_hit_of_a_cache(saver_client: Client) -> None:
    with counting() as counts:
        saver_client.session.get("x")
    assert (counts.session_calls, counts.cache_calls, counts.cache_hits) == (1, 0, 0)


def test_a_default_is_a_miss_and_comes_back() -> None:
    with counting() as counts:
        assert cache.get("not there", "else") == "else"
        assert cache.get("not there") is None
    assert (counts.cache_hits, counts.cache_misses) == (0, 2)
