"""The users of the load benchmark: what they open and send, and checks that they see only their own data.

Runs as a separate process, because importing locust monkey-patches the standard library with gevent.
"""

from __future__ import annotations

from locust import FastHttpUser, between, task
from locust.env import Environment
from locust.exception import RescheduleTask

# isort: split
import dataclasses
import json
import random
import re
import sys
import time
from html import unescape
from http.cookiejar import Cookie, DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlencode, urlsplit

CIRCLE = "/circles/together/"
SETTLING_SECONDS = 30
# A user's id, as part of their name, their plans' names and their email address.
_MARK = re.compile(r"§(\d+)§|crowd(\d+)@")
_HIDDEN = re.compile(r'name="(csrfmiddlewaretoken|reference)" value="([^"]+)"')
_PLAN = re.compile(r'href="/plans/(\d+)/"')
_RECEIPT = re.compile(r'href="(/transactions/[0-9A-Z]{20}/)"')
_OLDER = re.compile(r'href="(\?before=\d+)"')
_MESSAGE = re.compile(r'href="(/messages/\d+/)"')
_DOWNLOAD = re.compile(r'href="(/statements/\d+/download/)"')
_PERIOD = re.compile(r'href="(/dashboard/\?period=[^"]+)"')
_STATIC = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_POLL = re.compile(r'hx-headers="([^"]+)"')
_ABOUT = re.compile(r'value="(everything|stash|plan-\d+|circle-\d+)"')
# The outcomes of payments at the provider, and whether the money is taken; most succeed.
_OUTCOMES = {
    "success": True,
    "twice": True,
    "late": True,
    "silent": True,
    "declined": False,
    "abandon": False,
}
_OFTEN = [30, 3, 2, 2, 2, 1]


@dataclasses.dataclass
class Hour:
    """The users, the parameters and the results."""

    address: str
    seconds: int
    password: str
    # Users who can sign in: id and email address.
    people: list[tuple[int, str]]
    # Users who are already signed in: id and session cookie.
    sessions: list[tuple[int, str]]
    # References of payments by whether the provider took the money.
    taken: list[str] = dataclasses.field(default_factory=list)
    not_taken: list[str] = dataclasses.field(default_factory=list)
    signed_in: int = 0


@dataclasses.dataclass(frozen=True)
class Answer:
    """A response. `text` comes from the browser's cache after a 304."""

    status: int
    text: str
    location: str
    etag: str

    def fields(self, **others: str) -> dict[str, str]:
        """Return the data of the page's form, including hidden fields."""
        return {name: unescape(value) for name, value in _HIDDEN.findall(self.text)} | others


class Person(FastHttpUser):
    """A user with a browser that stores cookies and cacheable pages."""

    hour: Hour
    wait_time = between(2, 6)

    def on_start(self) -> None:
        # As behind a proxy that terminates TLS, so that secure cookies are sent back.
        self.client.cookiejar.set_policy(DefaultCookiePolicy(secure_protocols=["http"]))
        person_id, session = self.hour.sessions.pop()
        self.begin(person_id)
        self.client.cookiejar.set_cookie(_cookie("__Host-sessionid", session))

    def begin(self, person_id: int) -> None:
        """Become this user, in a fresh browser."""
        self.person_id = person_id
        self.kept: dict[str, Answer] = {}
        self.client.cookiejar.clear()

    @task(10)
    def look_at_the_dashboard(self) -> None:
        page = self.page("/dashboard/", "dashboard")
        self.load_static(page)
        if random.random() < 0.2:
            path = unescape(random.choice(_PERIOD.findall(page.text)))
            self.part(path, "dashboard, another period")

    @task(5)
    def look_at_a_plan(self) -> None:
        self.page(f"/plans/{self.any_plan()}/", "plan")

    @task(6)
    def leaf_through_activity(self) -> None:
        page = self.page("/transactions/", "activity")
        for _ in range(random.randrange(3)):
            self.wait()
            older = _OLDER.search(page.text)
            if older is None:
                return
            page = self.page(f"/transactions/{older[1]}", "activity, older")

    @task(4)
    def open_a_receipt(self) -> None:
        receipts = _RECEIPT.findall(self.page("/transactions/", "activity").text)
        if receipts:
            self.page(random.choice(receipts), "receipt")

    @task(5)
    def watch_the_board(self) -> None:
        board = self.page(f"{CIRCLE}leaderboard/", "board")
        headers = _POLL.search(board.text)
        seen = json.loads(unescape(headers[1]))["If-None-Match"] if headers else ""
        for _ in range(3):
            self.wait()
            answer = self.part(f"{CIRCLE}leaderboard/?by=saved&from=0", "board, is there news", seen=seen)
            seen = answer.etag or seen

    @task(2)
    def look_around_the_circle(self) -> None:
        self.page(CIRCLE, "circle")
        query = random.choice(["by=share", "by=month", "by=saved&from=25", "by=saved&from=1500"])
        self.page(f"{CIRCLE}leaderboard/?{query}", "board, other orders and places")

    @task(3)
    def look_at_the_stash(self) -> None:
        self.page("/stash/", "stash")

    @task(2)
    def read_messages(self) -> None:
        found = _MESSAGE.findall(self.page("/messages/", "messages").text)
        if found:
            self.page(random.choice(found), "message")

    @task(4)
    def move_from_the_stash(self) -> None:
        path = f"/plans/{self.any_plan()}/top-up/"
        form = self.page(f"{path}?from=stash", "top up: form")
        fields = form.fields(amount=str(random.randrange(100, 900)), source="stash")
        moved = self.send(path, "top up from the stash", fields)
        # The next page must show it, whichever process answers.
        self.page("/transactions/", "activity", must_show=moved.location)
        self.page(moved.location, "receipt")

    @task(4)
    def pay_by_card(self) -> None:
        path = "/stash/fund/" if random.random() < 0.3 else f"/plans/{self.any_plan()}/top-up/"
        form = self.page(path, "top up: form")
        fields = form.fields(amount=str(random.randrange(100, 9000)), source="card")
        checkout = self.send(path, "top up by card", fields).location
        self.page(checkout, "provider: pay page", is_whole=False)
        self.wait()
        outcome = random.choices(list(_OUTCOMES), _OFTEN)[0]
        back = self.send(checkout, "provider: pay", {"outcome": outcome}, statuses=(303,)).location
        reference = urlsplit(back).path.split("/")[-2]
        (self.hour.taken if _OUTCOMES[outcome] else self.hour.not_taken).append(reference)
        if self.ask("GET", back, "back from the provider", statuses=(200, 302)).status == 200:
            self.wait_for_the_money(back)
        self.page(f"/transactions/{reference}/", "receipt")

    @task(2)
    def get_a_statement(self) -> None:
        shelf = self.page("/statements/", "statements")
        ready = _DOWNLOAD.findall(shelf.text)
        if ready and random.random() < 0.6:
            self.page(random.choice(ready), "statement: download", is_whole=False)
            return
        fields = shelf.fields(
            about=random.choice(_ABOUT.findall(shelf.text)),
            period=random.choice(["this-month", "last-3-months", "this-year", "beginning"]),
            format=random.choice(["pdf", "xlsx", "csv"]),
        )
        asked = self.send("/statements/start/", "statement: ask", fields, statuses=(302, 422))
        if asked.status == 422:
            # Too long for a PDF, as the form says; nothing else is refused in this benchmark.
            self.send("/statements/start/", "statement: ask", fields | {"format": "csv"})
        self.page("/statements/", "statements")

    @task(1)
    def make_way_for_somebody_else(self) -> None:
        """Sign out, and sign in as another user on the same computer."""
        leaving = self.page("/accounts/logout/", "sign out: form")
        self.send("/accounts/logout/", "sign out", leaving.fields())
        shut = self.ask("GET", "/dashboard/", "dashboard, signed out", statuses=(302,))
        if "/accounts/login/" not in shut.location:
            raise RescheduleTask
        person_id, email = random.choice(self.hour.people)
        self.begin(person_id)
        door = self.page("/accounts/login/", "sign in: form", is_whole=False)
        self.send("/accounts/login/", "sign in", door.fields(login=email, password=self.hour.password))
        self.hour.signed_in += 1
        self.page("/dashboard/", "dashboard")

    def any_plan(self) -> str:
        """Return the id of a plan from the list page."""
        return str(random.choice(_PLAN.findall(self.page("/plans/", "plans").text)))

    def load_static(self, page: Answer) -> None:
        """Load the page's static files once; their names contain hashes."""
        for path in _STATIC.findall(page.text):
            if path not in self.kept:
                self.kept[path] = self.ask("GET", path, "static files")

    def wait_for_the_money(self, back: str) -> None:
        """Stay on the page that polls."""
        path = urlsplit(back).path
        for look in range(1, SETTLING_SECONDS // 2):
            time.sleep(2)
            # It becomes the receipt by an HX-Redirect.
            if not self.part(f"{path}?look={look}", "waiting for the money").text:
                return

    def page(self, path: str, name: str, *, must_show: str = "", is_whole: bool = True) -> Answer:
        """Open a page."""
        return self.ask("GET", path, name, must_show=must_show, is_whole=is_whole)

    def part(self, path: str, name: str, *, seen: str = "") -> Answer:
        """Request a fragment as htmx does, with its ETag."""
        headers = {"HX-Request": "true"} | ({"If-None-Match": seen} if seen else {})
        return self.ask("GET", path, name, statuses=(200, 304), headers=headers)

    def send(
        self, path: str, name: str, fields: dict[str, str], *, statuses: tuple[int, ...] = (302,)
    ) -> Answer:
        """Send a form and follow the redirect."""
        return self.ask("POST", path, name, statuses=statuses, fields=fields)

    def ask(
        self,
        method: str,
        path: str,
        name: str,
        *,
        statuses: tuple[int, ...] = (200,),
        fields: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        must_show: str = "",
        is_whole: bool = False,
    ) -> Answer:
        """Return the response; a wrong one counts as an error and ends the user's current task."""
        kept = self.kept.get(path) if method == "GET" and headers is None else None
        sent = self._headers() | (headers or {})
        if kept is not None and kept.etag:
            sent["If-None-Match"] = kept.etag
            statuses += (304,)
        if fields is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        with self.client.request(
            method,
            path,
            name=name,
            data=urlencode(fields) if fields is not None else None,
            headers=sent,
            allow_redirects=False,
            catch_response=True,
        ) as response:
            got = response.headers or {}
            text = (response.content or b"").decode(errors="replace")
            etag = got.get("etag", "")
            if response.status_code == 304 and kept is not None:
                text = kept.text
            answer = Answer(response.status_code, text, got.get("location", ""), etag)
            wrong = self._wrong(answer, statuses, must_show, is_whole=is_whole)
            if wrong:
                response.failure(
                    f"{wrong} (request {got.get('x-request-id', '?')} of {self.person_id}, {path})"
                )
            else:
                response.success()
        if wrong:
            raise RescheduleTask
        if method == "GET" and headers is None and etag and "no-store" not in got.get("cache-control", ""):
            self.kept[path] = answer
        return answer

    def _headers(self) -> dict[str, str]:
        """Return the headers of the browser and of the proxy that terminates TLS."""
        origin = self.hour.address.replace("http://", "https://")
        return {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": f"10.{self.person_id >> 16 & 255}.{self.person_id >> 8 & 255}.{self.person_id & 255}",
            "Origin": origin,
            "User-Agent": "Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0",
        }

    def _wrong(self, answer: Answer, statuses: tuple[int, ...], must_show: str, *, is_whole: bool) -> str:
        """Return what is wrong with a response; empty if nothing is."""
        if answer.status not in statuses:
            return f"answered {answer.status}"
        whose = {int(name or address) for name, address in _MARK.findall(answer.text)}
        if whose - {self.person_id}:
            return f"shows {whose - {self.person_id}}"
        if is_whole and answer.status == 200 and not whose:
            return "does not say whose it is"
        return f"does not show {must_show}" if must_show not in answer.text else ""


def main() -> None:
    """Let the users use the site as the given file says, and print the results as JSON."""
    hour = Person.hour = Hour(**json.loads(Path(sys.argv[1]).read_text()))
    # At the end, no user is cut off in the middle of a request.
    environment = Environment(user_classes=[Person], host=hour.address, stop_timeout=SETTLING_SECONDS)
    runner = environment.create_local_runner()
    people = len(hour.sessions)
    runner.start(people, spawn_rate=people / 4)
    time.sleep(hour.seconds)
    runner.quit()
    crashes = [
        (f"crashed: {row['msg']}\n{row['traceback']}", row["count"]) for row in runner.exceptions.values()
    ]
    errors = [
        (f"{error.name} {error.error}", error.occurrences) for error in environment.stats.errors.values()
    ]
    pages = [
        (
            entry.name,
            entry.num_requests,
            *(entry.get_response_time_percentile(share) for share in (0.5, 0.95, 0.99)),
        )
        for entry in environment.stats.entries.values()
    ]
    said = {
        "errors": errors + crashes,
        "pages": sorted(pages),
        "rate": environment.stats.total.total_rps,
        "taken": hour.taken,
        "not_taken": hour.not_taken,
        "signed_in": hour.signed_in,
    }
    sys.stdout.write(json.dumps(said))


def _cookie(name: str, value: str) -> Cookie:
    return Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain="127.0.0.1",
        domain_specified=False,
        domain_initial_dot=False,
        path="/",
        path_specified=True,
        secure=True,
        expires=None,
        discard=True,
        comment=None,
        comment_url=None,
        rest={},
    )


if __name__ == "__main__":
    main()
