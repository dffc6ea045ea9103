"""Everything that knows HTTP: settings, URLs, views, admin and template tags."""
