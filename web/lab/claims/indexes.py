"""The claims about indexes."""

from __future__ import annotations

from web.lab.claims.claim import LOOKUP, Claim

CLAIMS = (
    Claim(
        "When a database table grows in size, an index is often always necessary",
        LOOKUP,
        "lookups",
        ("savings/models/ledger.py", "tests/benchmarks/lookup.py"),
        "In a small table PostgreSQL rightly reads all rows. The difference grows with the table.",
    ),
    Claim(
        "Indexes speed up database retrieval queries",
        LOOKUP,
        "unused_indexes",
        ("savings/models/ledger.py",),
        "Not where a function hides the column, or where a pattern begins with a wildcard. PostgreSQL also "
        "leaves it aside where most rows fulfil the condition.",
    ),
    Claim(
        "searching through a large table using an unindexed field",
        LOOKUP,
        "lookups",
        ("savings/models/outbox.py", "tests/benchmarks/lookup.py"),
        "A long query may also wait for a lock, or return too many rows. Only its plan tells: look for "
        "SCAN or Seq Scan.",
    ),
    Claim(
        "To update the status of a transaction, we must retrieve it by its reference",
        LOOKUP,
        "updates",
        ("savings/ledger/transactions.py",),
        "Two workers may find it at once. The product changes the status in an UPDATE that checks the old"
        " one.",
    ),
    Claim(
        "CREATE INDEX idx_transactions_transaction_reference ON transactions (transaction_reference)",
        LOOKUP,
        "lookups",
        ("savings/models/ledger.py", "savings/management/commands/migrate.py"),
        "On PostgreSQL a plain CREATE INDEX blocks every write until it is built. CONCURRENTLY does not, "
        "and takes longer.",
    ),
    Claim(
        "we can use the db_index option in the field definition",
        LOOKUP,
        "lookups",
        ("savings/models/ledger.py",),
        "A reference must be unique. unique=True makes the index too, so db_index beside it adds nothing."
        " For text, both make a second index for LIKE on PostgreSQL. Meta.indexes makes what it says.",
    ),
    Claim(
        "Write operations may become slower if there are too many indexes",
        LOOKUP,
        "index_costs",
        ("savings/models/ledger.py",),
        "Each index also takes space on disk and in memory.",
    ),
    Claim(
        "indexes should not be used everywhere",
        LOOKUP,
        "project_indexes",
        ("savings/models/ledger.py", "savings/models/outbox.py"),
        "A partial index has only the rows that a query asks for. Each index of the product has a comment"
        " that names its query.",
    ),
)
