"""Read a WCS layer in QGIS, headless, and write what it reads; run by QGIS' own Python.

Arguments: WCS address, coverage, CRS, time or nothing, min x, min y, max x, max y, columns, rows,
file of numbers to write: all bands one after the other, rows from the top, float64.
"""

import struct
import sys
from itertools import product
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsDataSourceUri,
    QgsRasterLayer,
    QgsRectangle,
)


def main() -> int:
    """Read, and return the exit code."""
    url, name, crs, time, *numbers, columns, rows, target = sys.argv[1:]
    application = QgsApplication([], GUIenabled=False)
    application.initQgis()
    source = QgsDataSourceUri()
    for key, value in (("url", url), ("identifier", name), ("crs", crs), ("time", time)):
        if value:
            source.setParam(key, value)
    source.setParam("cache", "AlwaysNetwork")
    layer = QgsRasterLayer(bytes(source.encodedUri()).decode(), name, "wcs")
    if not layer.isValid():
        sys.stderr.write(f"{name}: {layer.error().message()}\n")
        return 1
    provider = layer.dataProvider()
    box = QgsRectangle(*map(float, numbers))
    sys.stdout.write(
        f"{layer.crs().authid()} {provider.bandCount()} {layer.extent().toString(9)}\n"
    )
    with Path(target).open("wb") as file:
        for band in range(1, provider.bandCount() + 1):
            block = provider.block(band, box, int(columns), int(rows))
            places = product(range(int(rows)), range(int(columns)))
            file.writelines(struct.pack("<d", block.value(*place)) for place in places)
    return 0


sys.exit(main())
