"""A tile server by hand: Starlette around rasterio. `python -m bench.peer_server PORT WORKERS`."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.mercator import Tile
from bench.peers import gdal_tile


def answer(request: Request) -> Response:
    """Answer in one of Starlette's threads, since the work blocks."""
    at = request.path_params
    tile = Tile(zoom=at["zoom"], col=at["col"], row=at["row"])
    return Response(gdal_tile(tile), media_type="image/png")


app = Starlette(routes=[Route("/{zoom:int}/{col:int}/{row:int}", answer)])

if __name__ == "__main__":
    uvicorn.run(
        "bench.peer_server:app",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        log_level="error",
    )
