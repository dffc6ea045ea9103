"""The process of the experiment that kills a worker: `python -m web.lab.worker USER_ID MOMENT LEASE_SECONDS`."""

from __future__ import annotations

import sys

import django


def main() -> None:
    """Run the experiment for a user, and kill the worker at the moment."""
    django.setup()
    # Imported here, because models can be imported only after the setup.
    from web.lab import killing  # noqa: PLC0415

    user_id, moment, lease_seconds = sys.argv[1:]
    killing.run(int(user_id), moment, lease_seconds=int(lease_seconds))


if __name__ == "__main__":
    main()
