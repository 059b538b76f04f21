"""HTTP and sockets in one process: the embedded default, and the socket tier of production."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_http = get_asgi_application()  # loads the apps; the imports below need them

from django.db import connections  # noqa: E402

# Every request comes in a thread of its own here: a connection kept for the next one would only be left behind.
connections.settings["default"]["CONN_MAX_AGE"] = 0

from channels.routing import ProtocolTypeRouter  # noqa: E402

from config import posted_forms  # noqa: E402
from config.sockets import sockets  # noqa: E402

posted_forms.leave_to_django()

application = ProtocolTypeRouter({"http": _http, "websocket": sockets})
