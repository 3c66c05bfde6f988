"""What the address of a server may look like in a setting: Kafka's host:port, ClickHouse's URL.

Owns the form alone; reaches nobody. Pure. Invariant: no message shows any part of what was found, since a password that was
typed as it is may be anywhere in it.
"""

import re
from ipaddress import IPv6Address
from typing import Final

_PLACE: Final = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)  # a name or [IPv6], and a port
_PORT_MAX: Final = 65535
_USERINFO: Final = re.compile(r"(?:[!-~](?<!%)|%[0-9A-Fa-f]{2})*")

_URL_FORM: Final = "http(s)://user:password@host:port, such as http://127.0.0.1:8123"
_PERCENT: Final = "in user and password write %23 for #, %2F for /, %3F for ?, %40 for @ and %25 for %"


def brokers(text: str) -> str:
    """Kafka's bootstrap servers as they are. Raises ValueError with what to type."""
    for address in text.split(","):
        if not _is_place(address.strip(), needs_port=True):
            raise ValueError(
                "expected comma-separated host:port, each with a port from 1 to 65535 and neither scheme nor user, "
                "such as 127.0.0.1:9092"
            )
    return text


def clickhouse_url(text: str) -> str:
    """The URL of a ClickHouse as it is. Raises ValueError with what to type."""
    scheme, found, rest = text.partition("://")
    if not found or scheme.lower() not in ("http", "https"):
        raise ValueError(f"its scheme is neither http nor https; expected {_URL_FORM}")
    authority = rest.removesuffix("/")
    if re.search(r"[/?#]", authority):
        raise ValueError(f"/, ? or # stands in it, and nothing may follow the port; expected {_URL_FORM}; {_PERCENT}")
    userinfo, _, place = authority.rpartition("@")
    if not _USERINFO.fullmatch(userinfo):
        raise ValueError(f"user or password holds what a URL cannot; expected {_URL_FORM}; {_PERCENT}")
    if not _is_place(place, needs_port=False):
        raise ValueError(f"expected a host and a port from 1 to 65535: {_URL_FORM}; {_PERCENT}")
    return text


def listening(text: str) -> tuple[str, int]:
    """Host and port at which to listen. Raises ValueError with what to type."""
    if not _is_place(text, needs_port=True):
        raise ValueError("expected host:port, with a port from 1 to 65535, such as 127.0.0.1:9464")
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def ports_after(address: str, count: int) -> list[str]:
    """So many addresses: this one, and the same host with the ports after it. Raises ValueError with what to type."""
    host, port = listening(address)
    if port + count - 1 > _PORT_MAX:
        raise ValueError(f"{count} ports are needed, from that one on up to {_PORT_MAX}; choose a lower one")
    host = address.rpartition(":")[0]
    return [f"{host}:{port + number}" for number in range(count)]


def _is_place(text: str, needs_port: bool) -> bool:
    found = _PLACE.fullmatch(text)
    if not found:
        return False
    host, port = found.groups()
    try:
        if host.startswith("["):
            IPv6Address(host[1:-1])
    except ValueError:
        return False
    return 1 <= int(port) <= _PORT_MAX if port else not needs_port
