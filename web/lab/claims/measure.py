"""The claims about measuring first."""

from __future__ import annotations

from web.lab.claims.claim import MEASURE, Claim

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
        ("web/observability/telemetry/client.py: Client", "docs/apm.md"),
        "By default the agent sends the email address and the IP address of each user. Ours sends neither.",
    ),
    Claim(
        "two key metrics related to performance and speed — latency and throughput",
        MEASURE,
        "speeds",
        ("web/observability/request_metrics.py: _metrics", "docs/apm-dashboard.ndjson"),
        "Each needs a route: a slow page that few people open disappears in the average of the whole site.",
    ),
    Claim(
        "reveals which requests take the most time",
        MEASURE,
        "speeds",
        ("web/observability/request_metrics.py: _metrics", "docs/apm.md"),
        "The slowest request is not always the one to improve. Multiply its time by how often it comes.",
    ),
    Claim(
        "too many database queries or that some database queries take too long",
        MEASURE,
        "measure",
        (
            "web/observability/telemetry/__init__.py: _label_request",
            "web/observability/telemetry/spans.py: report_spans",
        ),
        "APM folds equal queries into one span, so the number of spans is too low. The label sql_count "
        "has the number of queries.",
    ),
)
