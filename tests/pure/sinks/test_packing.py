"""An answer as it travels: which of the packings a request asks for, and how an error ends it."""

import gzip

import pytest

from sinks.embedded.errors import ACCESS_DENIED, QueryRefused
from sinks.embedded.frames import unframed
from sinks.embedded.native import NativeEncoder
from sinks.embedded.packing import Packing, packed_error
from sinks.embedded.protocol import Request, read_request

NATIVE = bytes.fromhex("01 01 01 31 05 55 49 6E 74 38 01")
MAX = 1 << 30
TAG = "abcdefghijklmnop"


def request(**url: str) -> Request:
    return read_request(url, {}, b"SELECT 1", reads_only=False)


def packed(packing: Packing, data: bytes) -> bytes:
    return packing.add(data) + packing.end()


def test_only_what_is_asked_for_is_done() -> None:
    later = NativeEncoder(54460).add(NATIVE)
    gzipped = {"enable_http_compression": "1"}
    assert packed(Packing(request(), "gzip", "Native"), NATIVE) == NATIVE
    assert packed(Packing(request(client_protocol_version="54460"), "", "Native"), NATIVE) == later
    assert packed(Packing(request(client_protocol_version="54460"), "", "TSV"), b"1\n") == b"1\n"
    assert packed(Packing(request(client_protocol_version="54405"), "", "Native"), NATIVE) == NATIVE
    assert unframed(packed(Packing(request(compress="1"), "", "TSV"), b"1\n"), MAX) == b"1\n"
    assert gzip.decompress(packed(Packing(request(**gzipped), "br, gzip", "TSV"), b"1\n")) == b"1\n"
    every = Packing(request(compress="true", client_protocol_version="54460", **gzipped), "gzip", "Native")
    assert unframed(gzip.decompress(packed(every, NATIVE)), MAX) == later
    assert every.encoding == "gzip"


def test_an_error_in_the_middle_is_told_as_a_server_tells_it() -> None:
    refused = QueryRefused(395, "Value passed to 'throwIf' function is non-zero. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)")
    packing = Packing(request(compress="1", client_protocol_version="54460"), "", "Native")
    whole = unframed(packing.add(NATIVE) + packing.end_with(refused, TAG), MAX)
    message = f"{refused}\n"
    assert (
        whole
        == NativeEncoder(54460).add(NATIVE)
        + (f"\r\n__exception__\r\n{TAG}\r\n{message}{len(message)} {TAG}\r\n__exception__\r\n").encode()
    )
    long = Packing(request(), "").end_with(QueryRefused(62, "x" * 99_999), TAG)
    assert len(long) < 16_384


def test_an_error_is_packed_like_a_result_but_for_what_a_user_may_not() -> None:
    refused, asked = QueryRefused(60, "no such table. (UNKNOWN_TABLE)"), request(compress="1")
    body, encoding = packed_error(refused, asked, "")
    assert unframed(body, MAX) == b"Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)\n"
    assert encoding == ""
    body, encoding = packed_error(refused, request(enable_http_compression="1"), "gzip")
    assert (gzip.decompress(body), encoding) == (f"{refused}\n".encode(), "gzip")
    denied = QueryRefused(ACCESS_DENIED, "no. (ACCESS_DENIED)")
    assert packed_error(denied, asked, "gzip") == (f"{denied}\n".encode(), "")
    assert packed_error(refused, None, "gzip") == (f"{refused}\n".encode(), "")


@pytest.mark.parametrize("told", ["x", "-1", "1" * 99, "५"])
def test_a_revision_is_a_number(told: str) -> None:
    with pytest.raises(QueryRefused, match="client_protocol_version"):
        request(client_protocol_version=told)
