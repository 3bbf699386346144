"""Render one WMS layer in QGIS, headless; run by the Python that QGIS belongs to.

Arguments: WMS address, layer, style, CRS, min x, min y, max x, max y, side in pixels, PNG to write,
and perhaps the ISO 8601 begin and end of the temporal controller's step.
"""

import sys

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsDateTimeRange,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QDateTime, QSize, Qt
from qgis.PyQt.QtGui import QColor


def draw(  # what a layer and a view of it are
    source: str,
    crs: str,
    box: list[float],
    side_px: int,
    target: str,
    step: list[str],
) -> str:
    """Draw a layer of a map server alone to a PNG; return what failed, or nothing.

    `box` has x first; `step` is the ISO 8601 begin and end of the temporal controller's step.
    """
    layer = QgsRasterLayer(source, "layer", "wms")
    if not layer.isValid():
        return f"{source}: {layer.error().message()}"
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(side_px, side_px))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setExtent(QgsRectangle(*box))
    settings.setBackgroundColor(QColor(255, 0, 255))
    if step:
        layer.temporalProperties().setIsActive(True)
        settings.setIsTemporal(True)
        settings.setTemporalRange(
            QgsDateTimeRange(*(QDateTime.fromString(text, Qt.ISODate) for text in step))
        )
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(target)
    return "; ".join(error.message for error in job.errors())


def main() -> int:
    """Render, and return the exit code."""
    url, name, style, crs, *numbers, side, target = sys.argv[1:11]
    application = QgsApplication([], GUIenabled=False)
    application.initQgis()
    source = f"crs={crs}&dpiMode=7&format=image/png&layers={name}&styles={style}&url={url}"
    failed = draw(source, crs, [float(n) for n in numbers], int(side), target, sys.argv[11:])
    sys.stderr.write(failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
