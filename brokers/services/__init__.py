"""From an account row to the broker behind it: the only place that knows which adapter serves what."""

from collections.abc import Callable
from functools import lru_cache
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from brokers.errors import BrokerNotConfigured
from brokers.models import BrokerAccount
from brokers.protocol import Abilities, Broker

OpenAccount = Callable[[BrokerAccount], Broker]


def open_broker(account: BrokerAccount) -> Broker:
    """The adapter for this account. Raises BrokerNotConfigured where there is none for it."""
    return _opener("BROKER_ADAPTERS", account.broker)(account)


def open_to_reduce(account: BrokerAccount) -> Broker:
    """The adapter for calling back what rests on an account where nothing new may be sent. Raises BrokerNotConfigured."""
    return _opener("BROKER_REDUCERS", account.broker)(account)


def abilities(account: BrokerAccount) -> Abilities:
    """What the account's venue can do. Raises BrokerNotConfigured."""
    return open_broker(account).abilities


@lru_cache
def _opener(setting: str, broker: str) -> OpenAccount:
    """The setting names one function per broker: account row → adapter."""
    try:
        return cast("OpenAccount", import_string(getattr(settings, setting)[broker]))
    except KeyError:
        raise BrokerNotConfigured(f"no adapter for {broker}") from None
