"""The SQL functions that have another name on each database, as placeholders of statements: `{least}`, `{greatest}`."""

FUNCTIONS = {
    "postgresql": {"least": "LEAST", "greatest": "GREATEST"},
    "sqlite": {"least": "MIN", "greatest": "MAX"},
}
