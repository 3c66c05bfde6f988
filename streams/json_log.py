"""The log as JSON, one object a line, for whoever collects logs.

Owns its form, and which fields stand apart from the message. Never shows a password of the environment.
"""

import json
import logging
import logging.config
from datetime import UTC, datetime
from typing import Any, Final

from streams.settings import without_secrets

PLACE: Final = ("topic", "partition", "offset")  # given as `extra` where a line is about one place


class JsonLines(logging.Formatter):
    """time (UTC, ISO 8601), level, logger, message; topic, partition and offset where the line is about one; error, the
    stack, where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in the message."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        told |= {name: getattr(record, name) for name in PLACE if getattr(record, name, None) is not None}
        if record.exc_info:
            told["error"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False, default=str)


def configuration() -> dict[str, Any]:
    """What logging.config.dictConfig() takes: everything from INFO on, on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
    }


def begin() -> None:
    """From now on this process logs so."""
    logging.config.dictConfig(configuration())


def is_in_use() -> bool:
    """Whether it does."""
    return any(isinstance(handler.formatter, JsonLines) for handler in logging.root.handlers)
