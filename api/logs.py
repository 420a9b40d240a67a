"""Logs: lines of JSON on standard error, or lines for people on a terminal.

What a request carries never gets here: no body, query, header or local variable. Of an exception a
line has the types and the places, not the text, which may quote what somebody sent.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from typing import Any, Final

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

_MOST_FRAMES: Final = 40
_MOST_CAUSES: Final = 5


def configure(*, pretty: bool | None = None) -> None:
    """Let structlog and the standard library's loggers write as described above.

    Args:
        pretty: for people; None: if standard error is a terminal.
    """
    if pretty is None:
        pretty = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _where_it_failed,
    ]
    render: list[Processor] = (
        [_as_lines, structlog.dev.ConsoleRenderer()]
        if pretty
        else [structlog.processors.JSONRenderer(sort_keys=True)]
    )
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # Looked up for every line: tests and supervisors replace it.
        logger_factory=lambda *_: _Lines(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = _ToStandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_first_line, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # Its warnings are about what clients send, and come as often as they like.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


def configure_unless_done() -> None:
    """`configure`, unless whoever runs the application has configured structlog already."""
    if not structlog.is_configured():
        configure()


class _Lines(structlog.WriteLogger):
    """Writes lines; where nobody takes them any more, requests go on all the same."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = error = critical = fatal = failure = exception = msg


class _ToStandardError(logging.StreamHandler[Any]):
    """Writes to what standard error is at that moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _first_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Of what others log: the first line. In asyncio's others, exceptions say what they hold."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["logger"] = record.name
        if record.exc_info:
            event["exc_info"] = record.exc_info
            # Else the standard formatter would put its own traceback, with text, below.
            record.exc_info = None
            record.exc_text = None
    event["event"] = str(event.get("event", "")).partition("\n")[0]
    return event


def _where_it_failed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """In place of an exception: its types, and the places that it went through."""
    found = _exception(event.pop("exc_info", None))
    event.pop("stack_info", None)
    if found is not None:
        event["exception"] = describe(found)
    return event


def _as_lines(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = "\n".join(event["exception"])
    return event


def _exception(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def describe(error: BaseException) -> list[str]:
    """Where an exception came from, and what caused it; without a word of what it says."""
    lines: list[str] = []
    current: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if current is None:
            break
        kind = type(current)
        lines.append(f"{kind.__module__}.{kind.__qualname__}")
        frames = traceback.extract_tb(current.__traceback__, limit=-_MOST_FRAMES)
        lines += [f"  {_module(f.filename)}:{f.lineno} {f.name}" for f in frames]
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return lines


def _module(path: str) -> str:
    """The last parts of a path: where this is installed is nobody's business."""
    return "/".join(path.replace("\\", "/").split("/")[-3:])
