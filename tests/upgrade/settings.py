"""The settings of the site with the app that `test_migrate.py` migrates."""

from web.settings import *  # noqa: F403
from web.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.upgrade.probe"]
