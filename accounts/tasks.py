"""Mail goes out of the worker: a page takes equally long whether or not the address belongs to somebody."""

from celery import shared_task

from accounts.services import mail


@shared_task
def send_password_reset(email: str, site: str) -> None:
    mail.send_password_reset(email, site)


@shared_task
def send_sign_up_notice(email: str, site: str, is_new: bool) -> None:
    mail.send_sign_up_notice(email, site, is_new)
