"""What stands between the engine's bytes and the client's: Native's revision, ClickHouse's frames, a content encoding.

Pure. Invariant: an error in the middle of a result is framed and encoded as the result is, and only Native is taken for it.
"""

from typing import Final

from sinks.embedded.encodings import Chain, ContentEncoder, Encoder, accepted_encoding
from sinks.embedded.errors import QueryRefused
from sinks.embedded.frames import FrameEncoder
from sinks.embedded.native import REVISION_MIN, NativeEncoder
from sinks.embedded.protocol import Request

# What clickhouse-jdbc reads as it is, whatever it asked for: a server refuses a user before it looks at the rest.
_NEVER_PACKED: Final = (401, 403)
_MESSAGE_BYTES_MAX: Final = 16_000  # clients look at the last 16 KiB


class Packing:
    """An Encoder for one answer."""

    def __init__(self, request: Request, accepted: str, form: str = "") -> None:
        """`accepted` is the Accept-Encoding header, `form` the format of the answer."""
        self.encoding = accepted_encoding(accepted) if request.compress else ""
        later = form == "Native" and request.revision >= REVISION_MIN
        inner: list[Encoder] = [NativeEncoder(request.revision)] if later else []
        outer: list[Encoder] = [FrameEncoder()] if request.framed else []
        if self.encoding:
            outer.append(ContentEncoder(self.encoding))
        self._inner, self._outer = Chain(*inner), Chain(*outer)

    def add(self, data: bytes) -> bytes:
        """What is ready to be sent."""
        return self._outer.add(self._inner.add(data))

    def end(self) -> bytes:
        """What is still to be sent. Raises ValueError when the engine's last block is not whole."""
        return self._outer.add(self._inner.end()) + self._outer.end()

    def end_with(self, refused: QueryRefused, tag: str) -> bytes:
        """The end of an answer that an error breaks off. `tag` is what X-ClickHouse-Exception-Tag said.

        Source: WriteBufferFromHTTPServerResponse.cpp of ClickHouse.
        """
        message = f"{refused}\n".encode(errors="replace")[-_MESSAGE_BYTES_MAX:]
        mark, told = b"\r\n__exception__\r\n", tag.encode()
        block = mark + told + b"\r\n" + message + f"{len(message)} ".encode() + told + mark
        return self._outer.add(block) + self._outer.end()


def packed_error(refused: QueryRefused, request: Request | None, accepted: str) -> tuple[bytes, str]:
    """The body of an answer that is nothing but an error, and its content encoding."""
    body = f"{refused}\n".encode(errors="replace")
    if request is None or refused.status in _NEVER_PACKED:
        return body, ""
    packing = Packing(request, accepted)
    return packing.add(body) + packing.end(), packing.encoding
