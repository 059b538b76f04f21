"""Mail goes out of the worker: a page takes equally long whether or not the address belongs to somebody."""

from celery import shared_task
from django.utils import timezone

from accounts.services import mail, notices


@shared_task
def send_password_reset(email: str, site: str) -> None:
    mail.send_password_reset(email, site)


@shared_task
def send_sign_up_notice(email: str, site: str, is_new: bool) -> None:
    mail.send_sign_up_notice(email, site, is_new)


@shared_task
def send_email_change(change_id: int, site: str) -> None:
    mail.send_email_change(change_id, site)


@shared_task
def send_notices() -> None:
    """Mail what people are to be told by mail."""
    notices.send_due(timezone.now())


@shared_task
def forget_old_notices() -> None:
    notices.prune(timezone.now())
