"""`make demo`: ingest the bundled samples, say where to look, and serve them."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from copernicube.config import load_settings

ROOT = Path(__file__).parents[1]
SAMPLES = (ROOT / "samples/virginia/item.json", ROOT / "samples/romania/items.json")
STORE = ROOT / "build/demo-store"
ADDRESSES = """
Copernicube serves {store}
Contains modified Copernicus Sentinel data 2015-2021

  Browser    {url}/
  QGIS       add a WMS/WMTS connection: {url}/ows
  GDAL       gdal_translate -oo "Subset=ansi(2015-06-23)" -a_nodata -32768 \\
               "WCS:{url}/ows?version=2.0.1&coverage=S2_L1C_32618_10m" virginia.tif
  Picture    {map}
  WCPS       cloud-free median of two years, in one query:
             {composite}
             NDVI of 140 dates: copernicube query --store {store} \
               '{series}'
  Jupyter    import copernicube
             cubes = copernicube.open("{url}")          # or open("{store}")
             cubes["S2_L2A_3035"].to_xarray(bands=["B04", "B08"])
  OGC API    {url}/ogcapi
  Zarr       {url}/zarr/S2_L2A_3035_10m

Stop with Ctrl-C.
"""
VIRGINIA_MAP = (
    "{url}/ows?service=WMS&version=1.3.0&request=GetMap&layers=S2_L1C&styles=&crs=EPSG:3857"
    "&bbox=-8421500,4530000,-8411000,4540500&width=800&height=800&format=image/png"
)
COMPOSITE = """for $c in (S2_L2A_3035) return encode(scale((
  condense median over $t ansi(domain($c[ansi("2018":"2019")], ansi))
  where $c.SCL[ansi($t)] > 3 and $c.SCL[ansi($t)] < 8
  using {red: $c.B04[ansi($t)]; green: $c.B03[ansi($t)]; blue: $c.B02[ansi($t)]}) / 6, 5), "png")"""
SERIES = """for $c in (S2_L2A_3035_10m) return encode(coverage ndvi over $t ansi(domain($c, ansi))
                values avg(($c.B08[ansi($t)] - $c.B04[ansi($t)]) /
                           ($c.B08[ansi($t)] + $c.B04[ansi($t)])), "csv")"""


def main() -> int:
    """Run the demo until it is stopped; returns the exit code."""
    settings = load_settings()
    program = (sys.executable, "-m", "copernicube")
    ingested = subprocess.run(  # noqa: S603  # our own program with our own files
        [*program, "ingest", "--store", str(STORE), *map(str, SAMPLES)], check=False
    )
    if ingested.returncode:
        return ingested.returncode
    url = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    addresses = ADDRESSES.format(
        store=STORE,
        url=url,
        map=VIRGINIA_MAP.format(url=url),
        composite=f"{url}/ows?query={quote(' '.join(COMPOSITE.split()), safe='')}",
        series=SERIES,
    )
    print(addresses, flush=True)
    try:
        return subprocess.run(  # noqa: S603  # as above
            [*program, "serve", "--store", str(STORE)], check=False
        ).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
