"""Commands that start the site, measure its pages, or follow the restore of a backup."""
