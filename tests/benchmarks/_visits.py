"""Savers who use a running site: what they open and send, and when each request began, how long it took, how it ended.

Unlike `_people` they know nothing of the code that serves them, so a release can be replaced under them.
"""

from __future__ import annotations

import dataclasses
import random
import re
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

import httpx

from savings.demo import cast

CIRCLE = "/circles/together/"
_TIMEOUT_SECONDS = 30
# The saver's time between two requests, in seconds.
_PAUSE = (2.0, 6.0)
_HIDDEN = re.compile(r'name="(csrfmiddlewaretoken|reference)" value="([^"]+)"')
_PLAN = re.compile(r'href="/plans/(\d+)/"')
_STATIC = re.compile(r'(?:href|src)="(/static/[^"]+)"')


@dataclasses.dataclass(frozen=True)
class Visit:
    """One request. `began` is a moment of `time.monotonic`, and `error` is empty for an expected response."""

    name: str
    began: float
    seconds: float
    error: str


class Saver(threading.Thread):
    """A signed-in saver in a browser, until `leave` is called. Without an existing session, it signs in by password."""

    def __init__(self, address: str, email: str, *, circle: str = "", session: str = "") -> None:
        super().__init__(daemon=True)
        self.visits: list[Visit] = []
        self._circle, self._email = circle, email
        self._client = httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS)
        # The names of the cookies demand HTTPS, which the headers claim and httpx does not see.
        self._cookies = {"__Host-sessionid": session} if session else {}
        self._origin = address.replace("http://", "https://")
        self._leaves = threading.Event()
        if not session:
            self._sign_in()

    def run(self) -> None:
        acts = [self._look, self._look, self._look, self._load_static, self._move_money]
        while not self._leaves.wait(random.uniform(*_PAUSE)):
            random.choice(acts)()

    def leave(self) -> None:
        """End the visit after the current request."""
        self._leaves.set()
        self.join()
        self._client.close()

    def _sign_in(self) -> None:
        page = self._ask("GET", "/accounts/login/", "sign in: form")
        self._send("/accounts/login/", "sign in", page, login=self._email, password=cast.PASSWORD)

    def _look(self) -> None:
        pages = ["/dashboard/", "/plans/", "/stash/", "/transactions/", "/messages/", "/profile/"]
        if self._circle:
            pages += [self._circle, f"{self._circle}leaderboard/"]
        page = random.choice(pages)
        self._ask("GET", page, page)

    def _load_static(self) -> None:
        for file in _STATIC.findall(self._ask("GET", "/dashboard/", "/dashboard/"))[:2]:
            self._ask("GET", unescape(file), "static file")

    def _move_money(self) -> None:
        plans = _PLAN.findall(self._ask("GET", "/plans/", "/plans/"))
        if plans:
            path = f"/plans/{plans[0]}/top-up/"
            form = self._ask("GET", f"{path}?from=stash", "top up: form")
            self._send(path, "top up from the stash", form, amount="100", source="stash")

    def _send(self, path: str, name: str, page: str, **fields: str) -> None:
        fields |= {key: unescape(value) for key, value in _HIDDEN.findall(page)}
        self._ask("POST", path, name, status=302, fields=fields)

    def _ask(
        self, method: str, path: str, name: str, *, status: int = 200, fields: dict[str, str] | None = None
    ) -> str:
        headers = {
            "X-Forwarded-Proto": "https",
            "Origin": self._origin,
            "Cookie": "; ".join(f"{key}={value}" for key, value in self._cookies.items()),
        }
        began = time.monotonic()
        text = error = ""
        try:
            response = self._client.request(method, path, data=fields, headers=headers)
            text = response.text
            for cookie in response.headers.get_list("set-cookie"):
                key, _, value = cookie.partition(";")[0].partition("=")
                self._cookies[key] = value
            if response.status_code != status:
                error = f"{name} answered {response.status_code}"
        except httpx.HTTPError as broken:
            error = f"{name}: {type(broken).__name__} {broken}"
        self.visits.append(Visit(name, began, time.monotonic() - began, error))
        return text


@contextmanager
def visiting(savers: list[Saver]) -> Iterator[list[Saver]]:
    """Let the savers use the site during the block."""
    for saver in savers:
        saver.start()
    try:
        yield savers
    finally:
        for saver in savers:
            saver._leaves.set()
        for saver in savers:
            saver.leave()


def between(savers: list[Saver], begins: float, ends: float) -> list[Visit]:
    """Return the requests that began in a period of `time.monotonic`."""
    return [visit for saver in savers for visit in saver.visits if begins <= visit.began < ends]


def p95_ms(visits: list[Visit]) -> float:
    """Return the milliseconds that 95 of 100 requests did not exceed."""
    return statistics.quantiles([visit.seconds * 1000 for visit in visits], n=20)[-1]


def errors(visits: list[Visit]) -> list[tuple[str, int]]:
    """Return what went wrong, and how often."""
    wrong = [visit.error for visit in visits if visit.error]
    return sorted((error, wrong.count(error)) for error in set(wrong))
