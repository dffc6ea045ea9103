"""What the project measures of itself: `manage.py bench`."""
