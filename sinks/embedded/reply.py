"""An answer of the engine as an HTTP response: its headers, and its body at once or in pieces, packed if asked for.

Its methods run in the thread of the statement, never in the event loop, which only sends.
Invariant: a status of 200 whose body breaks off is seen by the client, since the response has no end then.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from aiohttp import web

from sinks.embedded.engine import Result
from sinks.embedded.errors import QueryRefused
from sinks.embedded.protocol import Request, packer

_HELD_BYTES: Final = 1 << 20  # of an answer, before anything is sent: an error until then has a status of its own
_PATIENCE_S: Final = 60.0  # with a client that takes nothing of its answer
_TYPES: Final = {
    "Native": "application/octet-stream",
    "CSV": "text/csv; charset=UTF-8",
    "Arrow": "application/vnd.apache.arrow.file",
}


class Reply:
    """What becomes of one request."""

    def __init__(self, http: web.Request, headers: dict[str, str], loop: asyncio.AbstractEventLoop) -> None:
        self._http = http
        self._headers = headers
        self._loop = loop
        self._begun: web.StreamResponse | None = None

    def tell(self, request: Request, result: Result) -> web.StreamResponse:
        """Sends the answer, or returns all of it when it is short. Raises what its pieces raise."""
        pieces = self._packed(request, result)
        held, held_bytes = [], 0
        for piece in pieces:
            held.append(piece)
            held_bytes += len(piece)
            if held_bytes > _HELD_BYTES and not request.whole:
                return self._send(result, b"".join(held), pieces)
        return web.Response(body=b"".join(held), headers=self._headers_of(result))

    def broken_off(self, refused: QueryRefused) -> web.StreamResponse:
        """Tells of an error in what was sent so far, or raises it when nothing was."""
        if self._begun is None:
            raise refused
        if not self._headers.get("Content-Encoding"):
            self._wait(self._begun.write(f"\n{refused}\n".encode(errors="replace")))
        return self._cut(self._begun, self._http.transport and self._http.transport.close)

    def _send(self, result: Result, held: bytes, pieces: Iterator[bytes]) -> web.StreamResponse:
        begun = web.StreamResponse(headers=self._headers_of(result))
        try:
            self._wait(begun.prepare(self._http))
            self._begun = begun
            self._wait(begun.write(held))
            for piece in pieces:
                self._wait(begun.write(piece))
        except (OSError, TimeoutError):  # the client went away, or takes nothing
            return self._cut(begun, self._http.transport and self._http.transport.abort)
        return begun

    def _packed(self, request: Request, result: Result) -> Iterator[bytes]:
        """The answer's bytes as they travel. Nothing stays nothing."""
        pack, encoding = packer(self._http.headers.get("Accept-Encoding", "")) if request.compress else (None, "")
        if pack is None:
            yield from result.pieces
            return
        for piece in result.pieces:
            if piece:
                self._headers["Content-Encoding"] = encoding
                yield pack.compress(piece)
        if "Content-Encoding" in self._headers:
            yield pack.flush()

    def _headers_of(self, result: Result) -> dict[str, str]:
        did, form = "written" if result.wrote else "read", result.format
        elapsed_ns = str(result.elapsed_ns())
        summary = {f"{did}_rows": str(result.rows), f"{did}_bytes": str(result.bytes), "elapsed_ns": elapsed_ns}
        json_or_text = "application/json" if form.startswith("JSON") else "text/tab-separated-values"
        return self._headers | {
            "X-ClickHouse-Summary": json.dumps(summary),
            "X-ClickHouse-Format": form,
            "Content-Type": _TYPES.get(form, f"{json_or_text}; charset=UTF-8"),
        }

    def _cut(self, begun: web.StreamResponse, close: Callable[[], None] | None) -> web.StreamResponse:
        """Closes the connection before the end of the response."""
        if close is not None:
            self._loop.call_soon_threadsafe(close)
        return begun

    def _wait(self, step: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(step, _PATIENCE_S), self._loop).result()
