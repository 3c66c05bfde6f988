"""An answer of the engine as an HTTP response: its headers, and its body at once or in pieces, packed if asked for.

Its methods run in the thread of the statement, never in the event loop, which only sends.
Invariant: a status of 200 whose body breaks off is seen by the client, since the response has no end then.
"""

import asyncio
import json
import secrets
import string
from collections.abc import Coroutine, Iterator
from typing import Any, Final

from aiohttp import web

from sinks.embedded.engine import Result
from sinks.embedded.errors import QueryRefused
from sinks.embedded.packing import Packing
from sinks.embedded.protocol import Request

_HELD_BYTES: Final = 1 << 20  # of an answer, before anything is sent: an error until then has a status of its own
_PATIENCE_S: Final = 60.0  # with a client that takes nothing of its answer
_TAG_LETTERS: Final = 16  # of what tells an error at the end of a result from data


class Reply:
    """What becomes of one request."""

    def __init__(self, http: web.Request, headers: dict[str, str], loop: asyncio.AbstractEventLoop) -> None:
        self._http = http
        self._tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_TAG_LETTERS))
        self._headers = headers | {"X-ClickHouse-Exception-Tag": self._tag}
        self._packing: Packing | None = None
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
        if self._begun is None or self._packing is None:
            raise refused
        self._wait(self._begun.write(self._packing.end_with(refused, self._tag)))
        return self._cut(self._begun, gently=True)

    def _send(self, result: Result, held: bytes, pieces: Iterator[bytes]) -> web.StreamResponse:
        begun = web.StreamResponse(headers=self._headers_of(result))
        try:
            self._wait(begun.prepare(self._http))
            self._begun = begun
            self._wait(begun.write(held))
            for piece in pieces:
                self._wait(begun.write(piece))
        except (OSError, TimeoutError):  # the client went away, or takes nothing
            return self._cut(begun)
        return begun

    def _packed(self, request: Request, result: Result) -> Iterator[bytes]:
        """The answer's bytes as they travel. Nothing stays nothing."""
        self._packing = Packing(request, self._http.headers.get("Accept-Encoding", ""), result.format)
        for piece in result.pieces:
            if piece and self._packing.encoding:
                self._headers["Content-Encoding"] = self._packing.encoding
            yield self._packing.add(piece)
        yield self._packing.end()

    def _headers_of(self, result: Result) -> dict[str, str]:
        """The summary is of what has been sent: of a long answer, as it is of a server's, of its beginning."""
        counts = result.counts | {"elapsed_ns": result.elapsed_ns()}
        summary = json.dumps({name: str(count) for name, count in counts.items()})
        form = {} if result.wrote else {"X-ClickHouse-Format": result.format}
        return self._headers | form | {"X-ClickHouse-Summary": summary, "Content-Type": result.content_type}

    def _cut(self, begun: web.StreamResponse, gently: bool = False) -> web.StreamResponse:
        """Closes the connection before the end of the response; `gently`: once what was written is sent."""
        if (transport := self._http.transport) is not None:
            self._loop.call_soon_threadsafe(transport.close if gently else transport.abort)
        return begun

    def _wait(self, step: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(step, _PATIENCE_S), self._loop).result()
