"""Who may see the studio: whoever has the link, in a browser that came to it by its own name.

The pages show faces, so each request passes four checks before any page is asked:

- Host is a name under which the studio was told to be reached: this machine's own, or the address
  that was given. Another name that was made to lead here (DNS rebinding) is refused.
- A request that changes something, or opens a WebSocket, has an Origin, and it is the page's own;
  one that another site's page began is refused, but for a link that was followed.
- The token of the link is compared in constant time, and goes into a cookie at once, so that it
  stays neither in the address bar nor in the browser's history. Any later request has the cookie.
- Nothing of this is remembered on the disk: a new start has a new token.

Cookies do not tell ports apart: a program of another user that listens on this machine gets the
cookie where someone visits it in the same browser. The cookie then holds no token, and ends with
the studio.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_READING = ("GET", "HEAD")
_POLICY_VIOLATION = 1008                 # RFC 6455, 7.4.1
TOKEN = "token"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# of a document that a page shows in a frame: it has its style in it, and no script of it runs
FRAMED = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; sandbox"
    ),
}


@dataclass(frozen=True)
class Access:
    """The secrets of one start of the studio, and the names under which it is reached."""

    port: int
    hosts: tuple[str, ...] = LOOPBACK          # as in Host; the link has the first
    scheme: str = "http"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def cookie_name(self) -> str:
        """Name of the cookie; another studio on this machine has another."""
        return f"acq-studio-{self.port}"

    @property
    def link(self) -> str:
        """The address that lets in whoever opens it."""
        return f"{self.scheme}://{self.hosts[0]}:{self.port}/?{TOKEN}={self.token}"


class Guard:
    """ASGI middleware: lets through what passes the checks, and adds the headers to each answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        answer = self._refusal_or_entry(scope)
        if scope["type"] == "websocket":
            if answer is not None:
                await receive()                     # the browser's wish to connect
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            else:
                await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await (answer or self.app)(scope, receive, send_with_headers)

    def _refusal_or_entry(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if fault := find_fault(
            scope["type"], scope.get("method", "GET"), headers, hosts=self.access.hosts,
            scheme=self.access.scheme,
        ):
            return PlainTextResponse(f"{fault}\n", 403)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if tokens := [value for name, value in query if name == TOKEN]:
            if not _same(tokens[-1], self.access.token):
                return PlainTextResponse(
                    "expected the link that acq studio printed last, found one with another token; "
                    "open that link\n", 403,
                )
            rest = urlencode([(name, value) for name, value in query if name != TOKEN])
            # one slash at the beginning: two would be the address of another machine
            path = "/" + scope["path"].lstrip("/")
            entry = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
            entry.set_cookie(
                self.access.cookie_name, self.access.cookie, httponly=True, samesite="strict",
                secure=self.access.scheme == "https",
            )
            return entry
        cookies = cookie_parser(headers.get("cookie", ""))
        if not _same(cookies.get(self.access.cookie_name, ""), self.access.cookie):
            return PlainTextResponse(
                "expected the link that acq studio printed, found a request without its token; "
                "open that link, which holds it\n", 403,
            )
        return None


def find_fault(
    kind: str, method: str, headers: Headers, *, hosts: tuple[str, ...] = LOOPBACK,
    scheme: str = "http",
) -> str:
    """Return in words why a request may not come from a page of the studio; "" where it may.

    Parameters
    ----------
    kind : "http" or "websocket"
    hosts : names under which the studio is reached
    """
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or _without_port(host).lower() not in hosts:
        return f"expected the studio's own name as the host, such as {hosts[0]}, found {host!r}"
    origin = headers.get("origin")
    is_reading = kind == "http" and method in _READING
    if origin is None and not is_reading:
        return "expected a request of a page of the studio, found one without an origin"
    if origin is not None and origin != f"{scheme}://{host}":
        return f"expected a request of a page of the studio, found one of {origin!r}"
    site = headers.get("sec-fetch-site", "none")
    is_link = is_reading and headers.get("sec-fetch-mode") == "navigate"
    if site not in ("none", "same-origin") and not is_link:
        return "expected a request of a page of the studio, found one of another site"
    return ""


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode())
