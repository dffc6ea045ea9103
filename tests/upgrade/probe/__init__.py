"""An app with one slow migration, for `test_migrate.py`."""
