"""Twenty requests at once for an expired value: each computes it without a lock, and one with it."""

from __future__ import annotations

import threading

import pytest
from django.test import Client

from web.lab import stampede


@pytest.fixture(autouse=True)
def _slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computation so long that all have looked for the value before the first one has made it."""

    def make() -> bytes:
        threading.Event().wait(0.3)
        return b"made"

    monkeypatch.setattr(stampede, "rank_amounts", make)
    monkeypatch.setattr(stampede, "_ROUNDS", 1)


@pytest.mark.django_db
def test_the_lock_lets_one_compute(saver_client: Client) -> None:
    assert "Nobody has asked yet" in saver_client.get("/lab/stampede/").text
    page = saver_client.post("/lab/stampede/", {"visitors": "20"})
    assert [run.computations for run in page.context["runs"]] == [20, 1]
    assert "20 : 1 computations" in page.text
    assert "def with_lock" in page.text
    assert page.context["lesson"] == "caching"
    assert saver_client.post("/lab/stampede/", {"visitors": "x"}).status_code == 422


def test_its_figures_count_the_computations() -> None:
    found = dict(stampede.headlines())
    assert found["20 requests at once, computations without : with the lock"] == "20 : 1"
