"""The claims about measuring first."""

from __future__ import annotations

from web.lab.claims.claim import LOOKUP, MEASURE, Claim, Place

CLAIMS = (
    Claim(
        "users expect a website to load in two seconds or less",
        MEASURE,
        "speeds",
        (
            "web/observability/budgets.py: BUDGETS",
            "tests/web/observability/test_budgets.py: test_every_page_keeps_to_its_budget",
        ),
        "Seconds depend on the machine and the network. So tests hold each page to a budget of queries, "
        "Redis calls and bytes, which are the same on every machine.",
    ),
    Claim(
        "constantly monitor and improve the performance",
        MEASURE,
        "measure",
        ("web/observability/request_metrics.py: collect", "docs/monitoring.md"),
        "Measuring costs something at each request. docs/apm.md has the price of the APM agent, in "
        "instructions.",
        in_viewer="the cost of each route",
    ),
    Claim(
        "you must first understand how the app is currently performing",
        MEASURE,
        "measure",
        ("web/counts.py: Counts", "web/observability/request_costs.py: CountingMiddleware"),
        "One request proves little: the first is slower than those after it. Compare medians of runs in "
        "turns, after a warm-up, and look at p95 and the maximum too, which a median hides.",
    ),
    Claim(
        "an Application Performance Management/Monitoring (APM) tool is useful",
        MEASURE,
        "measure",
        ("web/observability/telemetry/client.py: Client", "web/dev/apm/viewer.py: front_page", "docs/apm.md"),
        "By default the agent sends the email address and the IP address of each user. Ours sends neither.",
        in_viewer="the cost of each route, and the latest traces",
    ),
    Claim(
        "two key metrics related to performance and speed — latency and throughput",
        MEASURE,
        "speeds",
        ("web/observability/request_metrics.py: _metrics", "docs/apm-dashboard.ndjson"),
        "Each needs a route: a slow page that few people open disappears in the average of the whole site.",
        in_viewer="the latency and the throughput of each route",
    ),
    Claim(
        "reveals which requests take the most time",
        MEASURE,
        "speeds",
        ("web/dev/apm/traces.py: Traces.routes", "web/observability/request_metrics.py: _metrics"),
        "The slowest request is not always the one to improve. Multiply its time by how often it comes.",
        in_viewer="the routes, first the one in which most time was spent",
    ),
    Claim(
        "we perform too many database queries",
        MEASURE,
        "measure",
        (
            "web/observability/telemetry/__init__.py: _label_request",
            "web/observability/telemetry/spans.py: report_spans",
        ),
        "APM folds equal queries into one span, so the number of spans is too low. The label sql_count "
        "has the number of queries.",
        in_viewer="a trace, with the number of its queries",
    ),
    Claim(
        "some database queries take too long",
        LOOKUP,
        "lookups",
        (
            "web/observability/telemetry/spans.py: report_spans",
            "web/dev/apm/traces.py: Traces.trace",
        ),
        "A query may be slow because another one holds a lock, or because it returns too much. Its plan tells which.",
        also=(Place("The SQL time of a request", MEASURE),),
        in_viewer="a trace, with the milliseconds of each query",
    ),
)
