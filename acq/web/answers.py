"""Answers: pages from templates, JSON, and an error in words for whoever asked."""

import json
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from acq.advice import PAGE, advise
from acq.terminal.printing import visible
from acquire.errors import AcqError, BusyError
from dataset.common.files import finite
from dataset.common.pages import render_page

LARGEST_BODY_BYTES = 64 * 1024
T = TypeVar("T")


class NotThere(AcqError):
    """What an address names is not there."""


class Gone(NotThere):
    """What a page is open of, and is there no more."""


class BadRequest(AcqError):
    """What a page sent is not what it should have sent."""


def page(template: Path, **values: object) -> Response:
    """Return a page made from a template."""
    return HTMLResponse(str(render_page(template, **values)))


def as_json(body: object, status: int = 200) -> Response:
    """Return JSON of plain values and dataclasses; what is not finite is null.

    Control characters of texts are escapes such as `\\x1b`, as they are in a terminal.
    """
    plain: Any = asdict(body) if is_dataclass(body) and not isinstance(body, type) else body
    return Response(
        json.dumps(_visible(finite(plain)), allow_nan=False, default=str), status,
        media_type="application/json",
    )


def _visible(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_visible(item) for item in value]
    return visible(value, keep="\n\t") if isinstance(value, str) else value


async def read_body(request: Request, kind: type[T]) -> T:
    """Return what a page sent, as a dataclass.

    Raises
    ------
    BadRequest : it is too large, or no such thing
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY_BYTES:
            raise BadRequest(
                expected=f"at most {LARGEST_BODY_BYTES} bytes", found="more", where="in a request",
                fix="send less",
            )
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(
            expected=f"a request as {kind.__name__}", found=error, fix="load the page again"
        ) from error


def error_handlers(template: Path) -> dict[Any, Any]:
    """Return the handlers that turn an error into words; `template` shows them on a page."""

    def in_words(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            status = error.status_code
            words = "there is no such page" if status == 404 else error.detail
        elif isinstance(error, AcqError | OSError):
            status = _status_of(error)
            words = visible(advise(error, PAGE))
        else:
            raise error
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"error": words}, status)
        answer = page(template, words=words)
        answer.status_code = status
        return answer

    return {AcqError: in_words, OSError: in_words, HTTPException: in_words}


def _status_of(error: Exception) -> int:
    if isinstance(error, Gone):
        return 410
    if isinstance(error, NotThere):
        return 404
    if isinstance(error, BusyError):
        return 409
    return 500 if isinstance(error, OSError) else 400
