"""A local APM server, for `make apm` and the tests: stores in memory what the site sends, and shows it."""

from __future__ import annotations


def variables(server_url: str) -> dict[str, str]:
    """Return the environment with which the site sends each request and task to a local APM server at once."""
    return {
        "ELASTIC_APM_SERVER_URL": server_url,
        "ELASTIC_APM_ENABLED": "1",
        "ELASTIC_APM_DEBUG": "1",
        "ELASTIC_APM_TRANSACTION_SAMPLE_RATE": "1.0",
        "ELASTIC_APM_API_REQUEST_TIME": "200ms",
    }
