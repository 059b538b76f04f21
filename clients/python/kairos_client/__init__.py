"""A client of the Kairos API: signs in, stays signed in, and gives every operation a typed method."""

from kairos_client.api import Api
from kairos_client.errors import KairosError, NotReached
from kairos_client.session import Kairos
from kairos_client.totp import code_now

__all__ = ["Api", "Kairos", "KairosError", "NotReached", "code_now"]
