"""The bare work as a server: `/png/N` and `/jpeg/N`. `python -m bench.rivals.floor_server PORT`."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from bench.rivals.floor import Floor

PROCESSES = 2
_floor = Floor()


async def app(
    scope: dict[str, Any], _receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    """Answer in the event loop: a process has one core and nothing else to do."""
    if scope["type"] != "http":
        return
    _, image, number = scope["path"].split("/")
    body = _floor.draw(int(number), jpeg=image == "jpeg")
    headers = [
        (b"content-type", f"image/{image}".encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        "bench.rivals.floor_server:app",
        port=int(sys.argv[1]),
        workers=PROCESSES,
        lifespan="off",
        log_level="error",
        access_log=False,
    )
