"""QGIS, headless, doing one piece of work after another; run by the Python that QGIS belongs to.

Each line of the standard input is a JSON object: `do` names the work, the others are its
arguments. Each line of the output is one, too: `failed` says why it could not be done.
"""

import json
import sys

from qgis.core import QgsApplication, QgsPointXY, QgsRaster, QgsRasterLayer, QgsRectangle
from qgis_render import draw  # type: ignore[import-not-found]  # beside this file, as QGIS' Python sees it
from qgis_wcs import read  # type: ignore[import-not-found]  # beside this file, as QGIS' Python sees it

FORMATS = {
    "text": QgsRaster.IdentifyFormatText,
    "html": QgsRaster.IdentifyFormatHtml,
    "feature": QgsRaster.IdentifyFormatFeature,
}


def identify(
    source: str, point: list[float], box: list[float], side_px: int, form: str
) -> tuple[str, str]:
    """Ask what is at a point, as a click does; return what failed, and the answer as text."""
    layer = QgsRasterLayer(source, "layer", "wms")
    if not layer.isValid():
        return f"{source}: {layer.error().message()}", ""
    found = layer.dataProvider().identify(
        QgsPointXY(*point), FORMATS[form], QgsRectangle(*box), side_px, side_px, 96
    )
    if not found.isValid():
        return found.error().message(), ""
    told = []
    for value in found.results().values():
        if form != "feature":
            told.append(value)
            continue
        for store in value:
            told += [
                f"{field.name()}={feature[field.name()]}"
                for feature in store.features()
                for field in feature.fields()
            ]
    return "", "\n".join(told)


def render(**asked: object) -> tuple[str, str]:
    """Draw; return what failed, and nothing."""
    return draw(**asked), ""


WORK = {"draw": render, "read": read, "identify": identify}


def main() -> None:
    """Work until the input ends."""
    application = QgsApplication([], GUIenabled=False)
    application.initQgis()
    for line in sys.stdin:
        asked = json.loads(line)
        failed, told = WORK[asked.pop("do")](**asked)
        sys.stdout.write(json.dumps({"failed": failed, "told": told}) + "\n")
        sys.stdout.flush()


main()
