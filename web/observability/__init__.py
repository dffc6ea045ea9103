"""What a page costs, and where that is shown: logs, toolbar, Elastic APM."""
