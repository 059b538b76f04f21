"""People, where they are signed in, what they are told, and the audit of privileged acts."""

from accounts.models.audit import RESULT_LABELS, AuditEntry, AuditTail
from accounts.models.devices import Device, DeviceKind, RefreshToken, Scope, SocketTicket
from accounts.models.emails import EmailChange
from accounts.models.guessing import Throttle
from accounts.models.notices import Notice, NoticeChoice
from accounts.models.people import Role, User, UserManager, known_time_zone, plain_name
from accounts.models.second_factors import RecoveryCode, SecondFactor

__all__ = [
    "RESULT_LABELS",
    "AuditEntry",
    "AuditTail",
    "Device",
    "DeviceKind",
    "EmailChange",
    "Notice",
    "NoticeChoice",
    "RecoveryCode",
    "RefreshToken",
    "Role",
    "Scope",
    "SecondFactor",
    "SocketTicket",
    "Throttle",
    "User",
    "UserManager",
    "known_time_zone",
    "plain_name",
]
