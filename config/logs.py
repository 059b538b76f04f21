"""One log line per event: JSON in production, readable in development. Libraries that print headers stay quiet."""

import logging
import logging.config
import os
import sys
from typing import Any

import structlog

# These loggers print request headers at DEBUG; brokers put their secrets into headers (reliability.md §3.14).
HEADER_PRINTERS = (
    "urllib3",
    "requests",
    "websocket",
    "asyncio",
    "daphne",
    "django.channels",
    "celery.utils.functional",
)
# These write a line for every ring of beat and every task: worth keeping in production, a flood on one's own console.
CHATTY = (
    "celery.beat",
    "celery.worker.strategy",
    "celery.app.trace",
    "celery.worker.consumer",
    "celery.utils.functional",
)
_PROCESS = {"name": os.environ.get("KAIROS_PROCESS", "")}


def name_process(name: str) -> None:
    """Put `name` (web, worker, dispatch, beat, feed) on every further log line of this process."""
    _PROCESS["name"] = name


def logging_config(level: str, as_json: bool) -> None:
    """Send every logger of the process to standard error through structlog."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _add_process,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=as_json),
        structlog.processors.format_exc_info if as_json else _unchanged,
    ]
    # Plain: a prettier traceback would show the values of variables, tokens among them.
    renderer: Any = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    if as_json:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    quiet = HEADER_PRINTERS if as_json else (*HEADER_PRINTERS, *CHATTY)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {name: {"level": "WARNING"} for name in quiet},
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _add_process(_logger: Any, _method: str, event: Any) -> Any:
    if _PROCESS["name"]:
        event["process"] = _PROCESS["name"]
    return event


def _unchanged(_logger: Any, _method: str, event: Any) -> Any:
    return event
