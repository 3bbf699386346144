"""MapServer as one installs it from Debian: nginx before two processes of FastCGI."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from bench.data import BANDS, CACHE, CRS, LEFT_M, SIDE_PX, TOP_M, colour_cog
from bench.rivals.places import Place, get_map
from bench.servers import Server, free_port, running

LAYER = "big"
PROCESSES = 2
NEEDED = {
    "mapserv": "cgi-mapserver",
    "nginx": "nginx-light",
    "spawn-fcgi": "spawn-fcgi",
    "multiwatch": "multiwatch",
}
"""Programs, and the packages of Debian that they are in."""
_FOLDER = CACHE.parent / "peers" / "mapserver"
_RGB = (BANDS[2], BANDS[1], BANDS[0])
_STRETCHES = (200, 2800), (370, 2800), (680, 2900)
_GAMMA = 1.35
_CORNERS = 33
"""Corners of the polyline that stands for the gamma curve."""


def missing() -> str:
    """Tell what is not installed; empty: nothing."""
    packages = [package for name, package in NEEDED.items() if shutil.which(name) is None]
    return f"apt-get install {' '.join(packages)}" if packages else ""


def version() -> str:
    """Return the version that is installed."""
    told = subprocess.run([_path("mapserv"), "-v"], capture_output=True, text=True, check=False)  # noqa: S603  # fixed arguments
    found = re.search(r"version (\S+)", told.stdout)
    return found[1] if found else "unknown"


@contextmanager
def mapserver() -> Iterator[tuple[Server, Server]]:
    """Serve the COG until the block ends; give nginx, and the process above MapServer's."""
    (_FOLDER / "logs").mkdir(parents=True, exist_ok=True)
    fastcgi, port = free_port(), free_port()
    (_FOLDER / "peer.map").write_text(_mapfile())
    (_FOLDER / "mapserver.conf").write_text(
        f'CONFIG\n  ENV\n    MS_MAP_PATTERN "."\n  END\n  MAPS\n    BIG "{_FOLDER}/peer.map"\n'
        "  END\nEND\n"
    )
    (_FOLDER / "nginx.conf").write_text(_nginx(port, fastcgi))
    above = ["spawn-fcgi", "-n", "-a", "127.0.0.1", "-p", str(fastcgi), "--"]
    works = [_path("multiwatch"), "-f", str(PROCESSES), "--", _path("mapserv")]
    settings = {"MAPSERVER_CONFIG_FILE": str(_FOLDER / "mapserver.conf")}
    gate = ["nginx", "-p", str(_FOLDER), "-c", str(_FOLDER / "nginx.conf")]
    with ExitStack() as stack:
        maps = stack.enter_context(running([*above, *works], fastcgi, settings))
        yield stack.enter_context(running(gate, port)), maps


def address(place: Place, image: str) -> str:
    """Return the address of a map."""
    return get_map(LAYER, "", image, place, path="/", more="&map=BIG")


def _path(program: str) -> str:
    return shutil.which(program) or program


def _mapfile() -> str:
    stretches = "\n".join(
        f'    PROCESSING "SCALE_{number}={low},{high}"'
        for number, (low, high) in enumerate(_STRETCHES, start=1)
    )
    shades = np.linspace(0, 255, _CORNERS).round().astype(int)
    lifted = (255 * (shades / 255) ** (1 / _GAMMA)).round().astype(int)
    gamma = ",".join(f"{a}:{b}" for a, b in zip(shades, lifted, strict=True))
    extent = f"{LEFT_M} {TOP_M - SIDE_PX * 10} {LEFT_M + SIDE_PX * 10} {TOP_M}"
    return f"""MAP
  NAME "peer"
  SIZE 256 256
  MAXSIZE 4096
  EXTENT {extent}
  PROJECTION
    "init={CRS.lower()}"
  END
  OUTPUTFORMAT
    NAME "png"
    DRIVER "AGG/PNG"
    MIMETYPE "image/png"
    IMAGEMODE RGB
    FORMATOPTION "COMPRESSION=1"
  END
  OUTPUTFORMAT
    NAME "jpeg"
    DRIVER "AGG/JPEG"
    MIMETYPE "image/jpeg"
    IMAGEMODE RGB
    FORMATOPTION "QUALITY=85"
  END
  WEB
    METADATA
      "wms_title" "peer"
      "wms_srs" "EPSG:3857"
      "wms_enable_request" "*"
      "wms_onlineresource" "http://127.0.0.1/"
    END
  END
  LAYER
    NAME "{LAYER}"
    TYPE RASTER
    STATUS ON
    DATA "{colour_cog(_RGB)}"
    OFFSITE 0 0 0
    PROJECTION
      "init={CRS.lower()}"
    END
    METADATA
      "wms_title" "big"
      "wms_srs" "EPSG:3857"
    END
    PROCESSING "BANDS=1,2,3"
{stretches}
    PROCESSING "LUT={gamma}"
    PROCESSING "RESAMPLE=BILINEAR"
    PROCESSING "CLOSE_CONNECTION=DEFER"
  END
END
"""


def _nginx(port: int, fastcgi: int) -> str:
    user = "user root;\n" if os.geteuid() == 0 else ""
    parameters = Path("/etc/nginx/fastcgi_params")
    return f"""{user}daemon off;
worker_processes 1;
pid {_FOLDER}/nginx.pid;
error_log {_FOLDER}/logs/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  upstream maps {{ server 127.0.0.1:{fastcgi}; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      include {parameters};
      fastcgi_pass maps;
      fastcgi_buffers 16 64k;
      fastcgi_buffer_size 64k;
    }}
  }}
}}
"""
