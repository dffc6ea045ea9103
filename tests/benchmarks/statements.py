"""The cost of a statement of a million rows, which must not delay other users."""

from __future__ import annotations

import argparse
import datetime
import itertools
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import django
from django.conf import settings

from tests.benchmarks import _database, _servers

if not settings.configured:
    os.environ |= _servers.PRODUCTION
    django.setup()

from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from savings import money, outbox, statements, tasks
from savings.models import Account, OutboxRow, Plan, Statement
from savings.statements import heads, spans, subjects, totals
from savings.statements import rows as statement_rows
from savings.statements.formats import Row
from savings.statements.formats.pdf import Writer as PdfWriter
from tests.benchmarks import _statements
from tests.benchmarks._report import Figure, in_turns, publish

MILLION, SMALL, PDF_ROWS = 1_000_000, 10_000, 1_000
ROUNDS = 3
_SINCE = datetime.date(2001, 1, 1)
# The query of a statement's page as one COPY by the database itself.
_COPY = """
COPY (
    SELECT e.id, e.posted_at, t.reference, t.kind, e.code, e.amount_kobo,
        CASE WHEN e.debit_account_id = {account} THEN e.debit_balance_kobo ELSE e.credit_balance_kobo END, t.plan_id
    FROM savings_entry e JOIN savings_transaction t ON t.id = e.transaction_id
    WHERE e.debit_account_id = {account} OR e.credit_account_id = {account} ORDER BY e.id
) TO STDOUT
"""
# Like our statement: a header on each page, lines between the rows, page n of m.
_STYLE = """
@page { size: A4; margin: 15mm; @bottom-right { content: "Page " counter(page) " of " counter(pages) } }
table { font: 8pt sans-serif; width: 100%; border-collapse: collapse }
th { text-align: left; border-bottom: 1pt solid }
td { padding: 2pt 4pt; border-bottom: 0.3pt solid silver }
td:nth-last-child(-n + 3) { text-align: right; white-space: nowrap }
"""
# Makes a statement like `manage.py statement`, and prints the peak memory of itself and its child.
_MAKE = """
import resource, sys, django
django.setup()
from django.core.management import call_command
call_command("statement", *sys.argv[1:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print("kilobytes", peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def main() -> int:
    """Measure on the servers of the environment, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=MILLION)
    parser.add_argument("--json")
    options = parser.parse_args()
    try:
        import weasyprint  # noqa: F401, PLC0415
    except ImportError:
        raise SystemExit("WeasyPrint is missing: `make bench` installs requirements/bench.txt.") from None
    with _database.made(), tempfile.TemporaryDirectory(dir=settings.VAR_DIR) as folder:
        keep_in(Path(folder))
        figures = list(_measure(options.rows))
    return publish("statements", figures, options.json)


def keep_in(folder: Path) -> None:
    """Store all files in a temporary folder, for this process and its children."""
    settings.STATEMENTS_DIR = folder / "statements"
    settings.STORAGES["statements"]["OPTIONS"]["location"] = folder / "statements" / "files"
    os.environ["VAR_DIR"] = str(folder)


def _measure(rows: int) -> Iterator[Figure]:
    begun_at = time.monotonic()
    call_command("collectstatic", interactive=False, verbosity=0)
    plans = {count: _statements.make(count) for count in (PDF_ROWS, SMALL, rows)}
    yield Figure("rows of the largest statement", rows, "", f"loaded in {time.monotonic() - begun_at:.0f} s")
    yield from _queries(plans[SMALL])
    yield from _copying(plans[rows])
    yield from _memory(plans[SMALL], plans[rows])
    yield from _typesetting(plans[PDF_ROWS])
    yield from _largest_pdf()
    yield from _waiting(plans[rows], plans[PDF_ROWS])


def ask(plan: Plan, file_format: str) -> Statement:
    """Return a new statement of the whole plan."""
    since = _SINCE + datetime.timedelta(days=Statement.objects.count())
    today = timezone.localdate()
    return statements.request(
        plan.user, scope="plan", plan=plan, since=since, until=today, format=file_format
    )


def write(plan: Plan, file_format: str = "csv") -> None:
    """Request a statement and write it, in this process."""
    statement = ask(plan, file_format)
    row = OutboxRow.objects.get(kind=statements.OUTBOX_KIND, statement=statement)
    assert outbox.deliver(row.pk, tasks.HANDLERS), OutboxRow.objects.get(pk=row.pk).error
    statements.revoke(statement)


def _queries(plan: Plan) -> Iterator[Figure]:
    """Count the queries of two pages and of half a page, because progress is recorded by the clock."""
    counts = {}
    for page_rows in (5_000, 1_000):
        with (
            override_settings(STATEMENT_PAGE_ROWS=page_rows, STATEMENT_PROGRESS_SECONDS=3600),
            CaptureQueriesContext(connection) as captured,
        ):
            write(plan)
        counts[page_rows] = len(captured)
    per_page = (counts[1_000] - counts[5_000]) / 8
    yield Figure("queries per page of 5,000 rows", per_page, "", f"{counts[5_000]} for two pages", at_most=1)


def _copying(plan: Plan) -> Iterator[Figure]:
    copy = _COPY.format(account=Account.objects.get(plan=plan).pk)

    def bare() -> None:
        with (
            connection.cursor() as cursor,
            tempfile.TemporaryFile() as file,
            cursor.cursor.copy(copy) as blocks,
        ):
            for block in blocks:
                file.write(block)

    copied, made = _few_turns(bare, lambda: write(plan))
    yield Figure("CSV: time", made, "s")
    yield Figure("CSV: time : COPY of the same rows", made / copied, "x", f"COPY {copied:.2f} s", at_most=7)


def make_in_a_process(plan: Plan, file_format: str) -> tuple[float, float, float]:
    """Return the peak memory in MB of a process that makes a statement, that of its child, and the seconds."""
    since = _SINCE + datetime.timedelta(days=Statement.objects.count())
    words = [
        sys.executable,
        "-c",
        _MAKE,
        plan.reference,
        "--format",
        file_format,
        "--since",
        since.isoformat(),
    ]
    begun_at = time.monotonic()
    done = subprocess.run(
        words, cwd=settings.BASE_DIR, env=environment(), check=True, stdout=subprocess.PIPE, text=True
    )
    own, child = done.stdout.rsplit("kilobytes", 1)[1].split()
    statements.revoke(Statement.objects.latest("id"))
    return int(own) / 1024, int(child) / 1024, time.monotonic() - begun_at


def environment() -> dict[str, str]:
    """Return the variables of a process on the benchmark's database."""
    return _servers.environment(str(connection.settings_dict["NAME"]))


def _memory(small: Plan, large: Plan) -> Iterator[Figure]:
    for file_format, name in (("csv", "CSV"), ("xlsx", "Excel")):
        few, _, _ = make_in_a_process(small, file_format)
        many, _, seconds = make_in_a_process(large, file_format)
        yield Figure(f"{name}: memory of the process", many, "MB", f"in {seconds:.0f} s", at_most=120)
        yield Figure(f"{name}: memory, all rows : {SMALL:,}", many / few, "x", f"{few:.0f} MB", at_most=1.2)


def _typesetting(plan: Plan) -> Iterator[Figure]:
    import weasyprint  # noqa: PLC0415 - of requirements/bench.txt alone

    subject = subjects.subject_of(plan.user, "plan", plan=plan)
    today = timezone.localdate()
    span = spans.span_of(subject, since=_SINCE, until=today, cutoff=spans.newest_entry())
    sums = totals.Sums(span.opening_kobo)
    rows = [row for page in statement_rows.pages(subject, span, sums) for row in page.rows]
    asked = ask(plan, "pdf")
    statements.revoke(asked)
    head = heads.head_of(asked, subject, span)
    path = Path(settings.STATEMENTS_DIR) / "bench.pdf"
    path.parent.mkdir(parents=True, exist_ok=True)

    def ours() -> None:
        writer = PdfWriter(path, head)
        writer.add(rows)
        writer.finish(sums.foot())

    def theirs() -> None:
        # As accessible as ours.
        weasyprint.HTML(string=_html(rows)).write_pdf(path, pdf_variant="pdf/ua-1")

    made, compared = _few_turns(ours, theirs)
    yield Figure(f"PDF of {len(rows):,} rows: time", made, "s")
    detail = f"WeasyPrint {compared:.1f} s"
    yield Figure("PDF: time : WeasyPrint on the same rows", made / compared, "x", detail, at_most=1 / 8)


def _few_turns(*actions: Callable[[], None]) -> list[float]:
    """Return the median seconds of slow actions, run in turns."""
    seconds: list[list[float]] = [[] for _ in actions]
    for _, (index, action) in itertools.product(range(ROUNDS), enumerate(actions)):
        begun_at = time.perf_counter()
        action()
        seconds[index].append(time.perf_counter() - begun_at)
    return [statistics.median(values) for values in seconds]


def _html(rows: list[Row]) -> str:
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(cell)}</td>"
            for cell in (
                timezone.localtime(row.at).strftime("%d %b %Y, %H:%M"),
                row.reference,
                row.kind,
                row.description,
                *("" if kobo is None else money.naira(kobo) for kobo in row[5:]),
            )
        )
        + "</tr>"
        for row in rows
    )
    heads = "".join(
        f"<th>{name}</th>" for name in ("Date", "Reference", "Kind", "What", "In", "Out", "Balance")
    )
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"
    return f"<html lang=en><title>Statement</title><style>{_STYLE}</style><h1>Statement</h1>{table}</html>"


def _largest_pdf() -> Iterator[Figure]:
    most = statements.most_rows("pdf") or 0
    _, child, seconds = make_in_a_process(_statements.make(most), "pdf")
    yield Figure("PDF: rows of the largest that is offered", most, "", f"in {seconds:.1f} s")
    yield Figure("PDF: memory of the child at the largest", child, "MB", at_most=300)


def _waiting(plan: Plan, others: Plan) -> Iterator[Figure]:
    """Request another user's page while the consumer writes the largest statement, and while it is idle."""
    client = Client(headers={"host": "savings.example.com"})
    client.force_login(others.user)
    # A log line for each page would disturb the measurement.
    logging.disable(logging.INFO)

    def page() -> None:
        assert client.get("/dashboard/", secure=True).status_code == 200

    in_turns(20, page)
    consumer = subprocess.Popen(
        [sys.executable, "manage.py", "run_huey"], cwd=settings.BASE_DIR, env=environment()
    )
    try:
        idle, busy = [], []
        for _ in range(ROUNDS):
            idle += list(itertools.islice(_answers(page), 200))
            busy += _answers_beside(ask(plan, "csv"), page)
    finally:
        consumer.terminate()
        consumer.wait()
    alone, beside = statistics.median(idle), statistics.median(busy)
    yield Figure("a page while nothing is written", alone * 1000, "ms", f"{len(idle)} times")
    detail = f"{beside * 1000:.1f} ms, {len(busy)} times"
    yield Figure(
        "a page while the largest is written : while nothing is", beside / alone, "x", detail, at_most=1.3
    )


def _answers_beside(statement: Statement, page: Callable[[], None]) -> list[float]:
    """Return the response times of a page while a statement is written."""
    _wait_until(lambda: _state(statement) != Statement.State.QUEUED)
    seconds = list(itertools.islice(_answers(page), 20))
    while _state(statement) == Statement.State.WRITING:
        seconds += list(itertools.islice(_answers(page), 20))
    _wait_until(lambda: _state(statement) == Statement.State.READY)
    statements.revoke(statement)
    return seconds


def _answers(page: Callable[[], None]) -> Iterator[float]:
    while True:
        begun_at = time.perf_counter()
        page()
        yield time.perf_counter() - begun_at
        # A user reads between requests.
        time.sleep(0.02)


def _state(statement: Statement) -> str:
    return Statement.objects.values_list("state", flat=True).get(pk=statement.pk)


def _wait_until(is_so: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 300
    while not is_so():
        if time.monotonic() > ends_at:
            raise SystemExit("The consumer did not write the statement.")
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
