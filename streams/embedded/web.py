"""`python -m streams.embedded.web --port P`: the overview page and /health, on loopback, read from ClickHouse.

Owns HTTP alone; page.py writes the page. Never shows anything that is not escaped, and never answers another machine's
name.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from sinks.client import address, connected
from sinks.errors import SinkError
from sinks.loopback import is_loopback
from sinks.reading import freshness, rolling, total
from streams.embedded.page import STYLE, overview
from streams.settings import Settings, load_settings
from streams.words import spoken

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only this machine's own names, so that no web page elsewhere reads this one; and the headers on every answer."""
    if not is_loopback(f"//{request.headers.get('Host', '')}"):
        return web.Response(status=421, text="only for this machine: use http://127.0.0.1\n", headers=_HEADERS)
    try:
        answer = await handler(request)
    except web.HTTPException as error:
        error.headers.update(_HEADERS)
        raise
    answer.headers.update(_HEADERS)
    return answer


def application(settings: Settings) -> web.Application:
    """The page of one stack."""
    url = settings.clickhouse.get_secret_value()
    servers = {"Kafka": settings.kafka, "ClickHouse (HTTP)": address(url)}

    async def page(request: web.Request) -> web.Response:
        lang = spoken([request.query.get("lang", ""), *request.headers.get("Accept-Language", "").split(",")])
        try:
            fresh, report = await asyncio.to_thread(_read, url)
        except SinkError:
            return web.Response(text=overview(lang, servers, None, []), content_type="text/html", status=503)
        return web.Response(text=overview(lang, servers, fresh, report), content_type="text/html")

    async def health(_: web.Request) -> web.Response:
        try:
            fresh, _report = await asyncio.to_thread(_read, url, with_report=False)
        except SinkError as error:
            return web.json_response({"status": "unavailable", "detail": str(error)}, status=503)
        whole = total(fresh)
        status = whole["status"] if whole else "stalled"
        return web.json_response({"status": status}, status=503 if status == "stalled" else 200)

    async def ping(_: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    app = web.Application(middlewares=[guard])
    app.add_routes(
        [web.get("/", page), web.get("/health", health), web.get("/ping", ping), web.get("/style.css", style)]
    )
    return app


def _read(url: str, with_report: bool = True) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    with connected(url) as client:
        return freshness(client), rolling(client) if with_report else []


def main() -> int:
    """Serves until SIGTERM."""
    options = argparse.ArgumentParser(prog="python -m streams.embedded.web", description=__doc__)
    options.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    port = options.parse_args().port
    web.run_app(
        application(load_settings()), host="127.0.0.1", port=port, print=None, access_log=None, shutdown_timeout=2
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
