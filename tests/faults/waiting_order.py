"""`python -m tests.faults.waiting_order`: one virtual order that waits to be sent, in the database of the environment."""

import os
from datetime import timedelta

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from tests import factories as make

    instrument = make.make_instrument()
    make.put_price(instrument, 70_000, age=timedelta(hours=-1))  # fresh for as long as anybody looks
    make.place(make.make_account(make.make_user()), instrument)
