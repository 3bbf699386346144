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


def read(
    parts: dict[str, str], box: list[float], columns: int, rows: int, target: str
) -> tuple[str, str]:
    """Write the cells of a coverage in a box, x first; return what failed, and what was read.

    `parts` are those of the layer's source: `url`, `identifier`, `crs`, `time`.
    """
    source = QgsDataSourceUri()
    for key, value in (parts | {"cache": "AlwaysNetwork"}).items():
        if value:
            source.setParam(key, value)
    layer = QgsRasterLayer(bytes(source.encodedUri()).decode(), "layer", "wcs")
    if not layer.isValid():
        return f"{parts}: {layer.error().message()}", ""
    provider = layer.dataProvider()
    with Path(target).open("wb") as file:
        for band in range(1, provider.bandCount() + 1):
            block = provider.block(band, QgsRectangle(*box), columns, rows)
            places = product(range(rows), range(columns))
            file.writelines(struct.pack("<d", block.value(*place)) for place in places)
    return "", f"{layer.crs().authid()} {provider.bandCount()} {layer.extent().toString(9)}\n"


def main() -> int:
    """Read, and return the exit code."""
    url, name, crs, time, *numbers, columns, rows, target = sys.argv[1:]
    application = QgsApplication([], GUIenabled=False)
    application.initQgis()
    parts = {"url": url, "identifier": name, "crs": crs, "time": time}
    failed, told = read(parts, [float(n) for n in numbers], int(columns), int(rows), target)
    sys.stdout.write(told)
    sys.stderr.write(failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
