"""Settings, URLs, the ASGI and Celery applications: the thin shell around the apps."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
