"""HTTP for production: threaded gunicorn workers serve pages and API, daphne only sockets (performance.md §4)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
