"""The WSGI application a production server loads: `granian --interface wsgi web.wsgi:application`."""

import os

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

application = get_wsgi_application()

# After Django has loaded its models.
from savings import releases  # noqa: E402
from web.observability import request_metrics  # noqa: E402

# Read at the start: later the files may be those of an upgrade.
releases.release_name()
if settings.METRICS_TOKEN:
    request_metrics.start()

# Management commands run the checks automatically. A WSGI server does not, so refuse to start here.
if refused := [check for check in checks.run_checks(tags=[checks.Tags.security]) if check.is_serious()]:
    raise ImproperlyConfigured("\n".join(str(check) for check in refused))
