"""Everything that knows money: it runs without a request and never imports `web`."""
