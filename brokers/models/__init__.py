"""Broker accounts, and what opens them, sealed."""

from brokers.models.accounts import ENVIRONMENT_LABELS, BrokerAccount, BrokerAccountQuerySet
from brokers.models.credentials import CallBudget, Credential, SealedRow, Token

__all__ = [
    "ENVIRONMENT_LABELS",
    "BrokerAccount",
    "BrokerAccountQuerySet",
    "CallBudget",
    "Credential",
    "SealedRow",
    "Token",
]
