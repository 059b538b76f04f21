"""People come and go; their books stay."""

import logging

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.errors import PersonHasBooks
from accounts.models import User
from accounts.services.audit import record
from accounts.services.email_change import is_reserved

logger = logging.getLogger(__name__)


def sign_up(email: str, password: str, *, language: str) -> bool:
    """Make a person; False where the e-mail already has one. Callers show both alike; both cost one password hash."""
    if User.objects.filter(email=email.lower()).exists() or is_reserved(email):
        make_password(password)
        return False
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, language=language)
            record(user, "sign_up", f"user:{user.pk}")
    except IntegrityError:  # the same form sent twice at once
        return False
    logger.info("sign-up of %s", user.pk)
    return True


@transaction.atomic
def deactivate(user: User, by: User | str = "command") -> None:
    """End this person's sessions and sign-ins at once; orders, plans and books stay as they are."""
    before, user.is_active = {"is_active": user.is_active}, False
    user.save(update_fields=["is_active", "updated_at"])
    record(by, "person_deactivated", f"user:{user.pk}", before, {"is_active": False})
    logger.info("deactivated %s", user.pk)


@transaction.atomic
def delete_person(user: User, by: User | str = "command") -> None:
    """Remove a person who never traded. Raises PersonHasBooks where accounts, orders or plans name them."""
    key = user.pk
    try:
        user.delete()
    except ProtectedError:
        raise PersonHasBooks(str(user)) from None
    record(by, "person_deleted", f"user:{key}")
    logger.info("deleted %s", key)
