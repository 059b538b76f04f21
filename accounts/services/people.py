"""People come and go; their books stay."""

import logging

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.errors import PersonHasBooks
from accounts.models import User

logger = logging.getLogger(__name__)


def sign_up(email: str, password: str, *, language: str) -> bool:
    """Make a person; False where the e-mail already has one. Callers show both alike; both cost one password hash."""
    if User.objects.filter(email=email.lower()).exists():
        make_password(password)
        return False
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, language=language)
    except IntegrityError:  # the same form sent twice at once
        return False
    logger.info("sign-up of %s", user.pk)
    return True


def deactivate(user: User) -> None:
    """End this person's sessions and sign-ins at once; orders, plans and books stay as they are."""
    user.is_active = False
    user.save(update_fields=["is_active", "updated_at"])
    logger.info("deactivated %s", user.pk)


def delete_person(user: User) -> None:
    """Remove a person who never traded. Raises PersonHasBooks where accounts, orders or plans name them."""
    key = user.pk
    try:
        user.delete()
    except ProtectedError:
        raise PersonHasBooks(str(user)) from None
    logger.info("deleted %s", key)
