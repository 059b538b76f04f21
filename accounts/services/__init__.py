"""What may be done with people: sign them in, sign them up, change their passwords, send them mail."""

from accounts.services.devices import (
    device_cookie,
    device_token,
    known_device,
    remember_device,
    tell_of_new_device,
)
from accounts.services.people import deactivate, delete_person, sign_up
from accounts.services.sign_in import Place, check_password, client_address, spend

__all__ = [
    "Place",
    "check_password",
    "client_address",
    "deactivate",
    "delete_person",
    "device_cookie",
    "device_token",
    "known_device",
    "remember_device",
    "sign_up",
    "spend",
    "tell_of_new_device",
]
