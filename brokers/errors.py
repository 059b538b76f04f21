"""What can go wrong between us and a broker, named for what happened."""


class BrokerError(Exception):
    """The base of all; carries a stable `code` that pages and the API translate."""

    code = "broker_error"


class OutcomeUnknown(BrokerError):
    """The order may or may not have arrived: never resend it, never guess, ask the broker."""

    code = "outcome_unknown"


class NotSent(BrokerError):
    """Nothing can have left: the connection failed before the first byte of the request."""

    code = "broker_unreachable"


class ReadIncomplete(BrokerError):
    """A question got no whole answer (an error, a missing page, garbage): the read proves nothing and is void."""

    code = "broker_read_incomplete"


class BrokerNotConfigured(BrokerError):
    """No adapter can serve this account as it is set up."""

    code = "broker_not_configured"


class LiveTradingOff(BrokerNotConfigured):
    """A live account, and the server's setting that nothing real may be done."""

    code = "live_trading_off"
