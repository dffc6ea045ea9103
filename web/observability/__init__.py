"""The cost of pages and tasks: budgets, logs, debug toolbar, Elastic APM."""
