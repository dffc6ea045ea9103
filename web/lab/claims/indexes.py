"""The claims about indexes."""

from __future__ import annotations

from web.lab.claims.claim import LOOKUP, Claim, Place

CLAIMS = (
    Claim(
        "When a database table grows in size, an index is often always necessary",
        LOOKUP,
        "lookups",
        ("savings/models/ledger.py: Transaction.reference", "tests/benchmarks/lookup.py: _by_reference"),
        "In a small table PostgreSQL rightly reads all rows. The difference grows with the table.",
    ),
    Claim(
        "Indexes speed up database retrieval queries",
        LOOKUP,
        "lookups",
        ("savings/models/ledger.py: Transaction.Meta",),
        "Not all of them: an index does not help where a function hides the column, or a pattern begins with a "
        "wildcard. PostgreSQL also leaves an index aside where most rows fulfil the condition.",
    ),
    Claim(
        "searching through a large table using an unindexed field",
        LOOKUP,
        "lookups",
        ("savings/outbox/delivery.py: due_rows", "tests/benchmarks/lookup.py: _by_reference"),
        "Only the plan tells: look for SCAN or Seq Scan. due_rows asks for the few rows that are due among millions, "
        "which would be such a search without the index that OutboxRow.Meta has for it.",
    ),
    Claim(
        "the query speed increases almost magically",
        LOOKUP,
        "building",
        ("savings/models/ledger.py: Transaction.reference", "tests/benchmarks/lookup.py: main"),
        "Only if the planner uses the index. Read the plan again once it is there. On PostgreSQL, the planner "
        "knows the rows of a new or newly filled table only after an ANALYZE.",
    ),
    Claim(
        "To update the status of a transaction, we must retrieve it by its reference",
        LOOKUP,
        "updates",
        (
            "savings/payments/rows.py: find_payment",
            "savings/ledger/transactions.py: settle",
            "savings/ledger/transactions.py: change_status",
        ),
        "Two workers may find it at once. settle makes it a success, together with its posting, and change_status "
        "sets every other status: each in an UPDATE that checks the old one.",
    ),
    Claim(
        "CREATE INDEX idx_transactions_transaction_reference ON transactions (transaction_reference)",
        LOOKUP,
        "building",
        (
            "savings/models/ledger.py: Transaction.reference",
            "savings/migrations/0040_outbox_statement_links.py: AddIndexBesideWrites",
        ),
        "On PostgreSQL a plain CREATE INDEX blocks every write until it is built. CONCURRENTLY does not, "
        "but reads the table twice and waits for older transactions.",
    ),
    Claim(
        "we can use the db_index option in the field definition",
        LOOKUP,
        "lookups",
        (
            "savings/models/payments.py: WebhookEvent.reference",
            "savings/models/ledger.py: Transaction.reference",
        ),
        "The experiment has the plain index that db_index makes, as the reference of a webhook event, which may come "
        "several times. That of a transaction is unique, and unique=True makes the index too. For text, both make a "
        "second index for LIKE on PostgreSQL. Meta.indexes makes what it says.",
    ),
    Claim(
        "they should only be used when necessary",
        LOOKUP,
        "unused_indexes",
        ("savings/models/ledger.py: Transaction.Meta",),
        "The part lists queries that no index on the column helps. An index that no query uses still costs each write.",
        also=(Place("What each index costs", LOOKUP, "?part=cost"),),
    ),
    Claim(
        "Write operations may become slower if there are too many indexes",
        LOOKUP,
        "index_costs",
        ("savings/models/ledger.py: Transaction.Meta",),
        "Each index also takes space on disk and in memory.",
    ),
    Claim(
        "indexes should not be used everywhere",
        LOOKUP,
        "project_indexes",
        ("savings/models/ledger.py: Transaction.Meta", "savings/models/outbox.py: OutboxRow.Meta"),
        "A partial index has only the rows that a query asks for. Where an index of the product does not explain "
        "itself, a comment names its query. In the small tables of the demo, the planner does not use all of them.",
    ),
)
