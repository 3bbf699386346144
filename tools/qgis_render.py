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


def main() -> int:
    """Render, and return the exit code."""
    url, name, style, crs, *numbers, side, target = sys.argv[1:11]
    step = [QDateTime.fromString(text, Qt.ISODate) for text in sys.argv[11:]]
    application = QgsApplication([], GUIenabled=False)
    application.initQgis()
    source = f"crs={crs}&dpiMode=7&format=image/png&layers={name}&styles={style}&url={url}"
    layer = QgsRasterLayer(source, name, "wms")
    if not layer.isValid():
        sys.stderr.write(f"{name}: {layer.error().message()}\n")
        return 1
    if step:
        layer.temporalProperties().setIsActive(True)
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(int(side), int(side)))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setExtent(QgsRectangle(*map(float, numbers)))
    settings.setBackgroundColor(QColor(255, 0, 255))
    if step:
        settings.setIsTemporal(True)
        settings.setTemporalRange(QgsDateTimeRange(*step))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    for error in job.errors():
        sys.stderr.write(f"{error.message}\n")
    job.renderedImage().save(target)
    return 1 if job.errors() else 0


sys.exit(main())
