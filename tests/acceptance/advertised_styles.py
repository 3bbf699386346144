"""Styles of every kind: the file that the service is given, and what NumPy makes of each."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling

from tests.acceptance.oracle_archive import Floats
from tests.acceptance.oracle_pictures import (
    REFLECTANCE,
    SCL_COLOURS,
    Bands,
    Look,
    Stretch,
    classes,
    composite,
    grey,
    hex_colour,
    ramp,
)
from tests.acceptance.painting import SURFACE, TOP_OF_ATMOSPHERE

FILE = """
styles:
  - name: moisture
    for: {family: sentinel-2}
    expression: (B8A - B11) / (B8A + B11)
    ramp:
      - {value: -0.8, colour: "#8c510a"}
      - {value: 0, colour: "#f5f5f5"}
      - {value: 0.8, colour: "#01665e"}
  - name: red-steps
    band: B04
    opacity: 0.6
    intervals:
      - {high: 500, colour: "#2166ac"}
      - {low: 500, high: 900, colour: "#a6d96a"}
      - {low: 1200, colour: "#a6611a"}
  - name: water-and-forest
    band: SCL
    opacity: 0.7
    values:
      - {value: 4, colour: "#00a000"}
      - {value: 6, colour: "#0000ff80"}
  - name: natural
    bands: [B04, B03, B02]
    resampling: nearest
    stretch:
      - {low: 100, high: 2600, gamma: 1.3}
      - {low: 150, high: 2400, gamma: 1.3}
      - {low: 300, high: 2300, gamma: 1.3}
  - name: smooth
    band: B08
    resampling: cubic
    stretch: {low: 0, high: 6000}
  - name: most-frequent
    band: SCL
    resampling: mode
  - name: averaged
    band: B02
    resampling: average
    ramp:
      - {value: 0, colour: "#00000000"}
      - {value: 2000, colour: "#ffff80ff"}
  - name: three-of-wcps
    wcps: "{red: $c.B11; green: $c.B08; blue: $c.B04}"
    stretch: {low: 0, high: 5000, gamma: 0.8}
  - name: four-of-wcps
    wcps: >-
      (unsigned char) {red: $c.B04 / 80; green: $c.B03 / 80; blue: $c.B02 / 80;
      alpha: $c.B08 / 80}
  - name: vegetation
    wcps: "2.5 * ($c.B08 - $c.B04) / ($c.B08 + 2.4 * $c.B04 + 10000)"
    ramp:
      - {value: 0, colour: "#ffffff"}
      - {value: 1, colour: "#006400"}
  - name: bright-leaves
    wcps: "$c.B08 > 3000 and $c.B04 < 800"
  - name: mean-red
    band: B04
    time: mean
    stretch: {low: 0, high: 3000}
  - name: median-colour
    bands: [B04, B03, B02]
    time: median
    stretch: {low: 0, high: 3000}
  - name: newest-infrared
    bands: [B11, B8A, B04]
    time: newest
    stretch: {low: 0, high: 5000}
  - name: cloud-free
    bands: [B04, B03, B02]
    stretch: {low: 0, high: 2500, gamma: 1.3}
    time: newest
    mask: {band: SCL, keep: [2, 4, 5, 6, 7, 11]}
  - name: clear-ndvi
    expression: (B08 - B04) / (B08 + B04)
    time: mean
    mask: {band: SCL, drop: [0, 1, 3, 8, 9, 10]}
    ramp:
      - {value: -0.2, colour: "#ffffff"}
      - {value: 1, colour: "#004529"}
  - name: clear-median
    wcps: "$c.B08 - $c.B04"
    time: median
    mask: {band: SCL, keep: [4, 5]}
    stretch: {low: -1000, high: 5000}
  - name: ndvi-change
    expression: (B08 - B04) / (B08 + B04)
    time: difference
    ramp:
      - {value: -0.5, colour: "#b2182b"}
      - {value: 0, colour: "#f7f7f7"}
      - {value: 0.5, colour: "#2166ac"}
"""
DESCRIPTOR = """<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld">
<NamedLayer><Name>S2_L2A</Name><UserStyle><Name>described</Name><FeatureTypeStyle><Rule>
<RasterSymbolizer>
<ChannelSelection><GrayChannel><SourceChannelName>B03</SourceChannelName></GrayChannel>
</ChannelSelection>
<ColorMap type="ramp"><ColorMapEntry color="#000040" quantity="0"/>
<ColorMapEntry color="#40ff40" quantity="1500"/><ColorMapEntry color="#ffffff" quantity="3000"/>
</ColorMap></RasterSymbolizer></Rule></FeatureTypeStyle></UserStyle></NamedLayer>
</StyledLayerDescriptor>"""
NDVI = (
    (-0.2, "#8ca0b4"),
    (0.0, "#bf812d"),
    (0.1, "#dfc27d"),
    (0.2, "#fff7bc"),
    (0.3, "#d9f0a3"),
    (0.45, "#addd8e"),
    (0.6, "#41ab5d"),
    (0.75, "#006837"),
    (0.9, "#004529"),
)
INFRARED: Stretch = (0, 5000, 1.2)


def _plain(*names: str) -> Callable[[Bands], Sequence[Floats]]:
    return lambda bands: [bands[name] for name in names]


def _share(first: str, second: str) -> Callable[[Bands], Sequence[Floats]]:
    return lambda bands: [(bands[first] - bands[second]) / (bands[first] + bands[second])]


def _of(name: str) -> Look:
    return Look(bands=(name,), channels=_plain(name), paint=grey(REFLECTANCE))


type Truths = NDArray[np.bool_]


def _between(low: float, high: float) -> Callable[[Floats], Truths]:
    return lambda values: (values >= low) & (values < high)


def _equal(one: int) -> Callable[[Floats], Truths]:
    return lambda values: values == one


def _colours(names: Sequence[str], stretches: Sequence[Stretch], time: str = "") -> Look:
    return Look(
        bands=tuple(names),
        channels=_plain(*names),
        paint=composite(stretches),
        over_time=time,
        exact=False,
    )


def _leaves(bands: Bands) -> list[Floats]:
    known = np.isfinite(bands["B08"]) & np.isfinite(bands["B04"])
    here = (bands["B08"] > 3000) & (bands["B04"] < 800)
    return [np.where(known, here, np.nan)]


RGB = ("B04", "B03", "B02")
SCL = Look(
    bands=("SCL",),
    channels=_plain("SCL"),
    paint=classes([(_equal(v), (*rgb, 255)) for v, rgb in SCL_COLOURS.items()]),
    method=Resampling.nearest,
)


def _filed() -> dict[str, Look]:
    """Return what the styles of the file do."""
    clear = frozenset({2, 4, 5, 6, 7, 11})
    return {
        "moisture": Look(
            bands=("B8A", "B11"),
            channels=_share("B8A", "B11"),
            paint=ramp(((-0.8, "#8c510a"), (0, "#f5f5f5"), (0.8, "#01665e"))),
        ),
        "red-steps": Look(
            bands=("B04",),
            channels=_plain("B04"),
            paint=classes(
                [
                    (_between(-np.inf, 500), hex_colour("#2166ac", 0.6)),
                    (_between(500, 900), hex_colour("#a6d96a", 0.6)),
                    (_between(1200, np.inf), hex_colour("#a6611a", 0.6)),
                ]
            ),
        ),
        "water-and-forest": Look(
            bands=("SCL",),
            channels=_plain("SCL"),
            paint=classes(
                [
                    (_equal(4), hex_colour("#00a000", 0.7)),
                    (_equal(6), hex_colour("#0000ff80", 0.7)),
                ]
            ),
            method=Resampling.nearest,
        ),
        "natural": Look(
            bands=RGB,
            channels=_plain(*RGB),
            paint=composite(((100, 2600, 1.3), (150, 2400, 1.3), (300, 2300, 1.3))),
            method=Resampling.nearest,
            exact=False,
        ),
        "smooth": Look(
            bands=("B08",),
            channels=_plain("B08"),
            paint=grey((0, 6000, 1)),
            method=Resampling.cubic,
        ),
        "most-frequent": Look(
            bands=("SCL",), channels=_plain("SCL"), paint=SCL.paint, method=Resampling.mode
        ),
        "averaged": Look(
            bands=("B02",),
            channels=_plain("B02"),
            paint=ramp(((0, "#00000000"), (2000, "#ffff80ff"))),
            method=Resampling.average,
        ),
        "three-of-wcps": _colours(("B11", "B08", "B04"), ((0, 5000, 0.8),) * 3),
        "four-of-wcps": Look(
            bands=(*RGB, "B08"),
            channels=lambda bands: [bands[name] // 80 for name in (*RGB, "B08")],
            paint=composite(((0, 255, 1),) * 3),
            exact=False,
        ),
        "vegetation": Look(
            bands=("B08", "B04"),
            channels=lambda b: [2.5 * (b["B08"] - b["B04"]) / (b["B08"] + 2.4 * b["B04"] + 10000)],
            paint=ramp(((0, "#ffffff"), (1, "#006400"))),
        ),
        "bright-leaves": Look(bands=("B08", "B04"), channels=_leaves, paint=grey((0, 1, 1))),
        "mean-red": Look(
            bands=("B04",), channels=_plain("B04"), paint=grey((0, 3000, 1)), over_time="mean"
        ),
        "median-colour": _colours(RGB, ((0, 3000, 1),) * 3, "median"),
        "newest-infrared": _colours(("B11", "B8A", "B04"), ((0, 5000, 1),) * 3, "newest"),
        "cloud-free": Look(
            bands=RGB,
            channels=_plain(*RGB),
            paint=composite(((0, 2500, 1.3),) * 3),
            over_time="newest",
            kept=clear,
            exact=False,
        ),
        "clear-ndvi": Look(
            bands=("B08", "B04"),
            channels=_share("B08", "B04"),
            paint=ramp(((-0.2, "#ffffff"), (1, "#004529"))),
            over_time="mean",
            dropped=frozenset({0, 1, 3, 8, 9, 10}),
        ),
        "clear-median": Look(
            bands=("B08", "B04"),
            channels=lambda bands: [bands["B08"] - bands["B04"]],
            paint=grey((-1000, 5000, 1)),
            over_time="median",
            kept=frozenset({4, 5}),
        ),
        "ndvi-change": Look(
            bands=("B08", "B04"),
            channels=_share("B08", "B04"),
            paint=ramp(((-0.5, "#b2182b"), (0, "#f7f7f7"), (0.5, "#2166ac"))),
            over_time="difference",
        ),
        "described": Look(
            bands=("B03",),
            channels=_plain("B03"),
            paint=ramp(((0, "#000040"), (1500, "#40ff40"), (3000, "#ffffff"))),
        ),
    }


def _house(visible: Sequence[Stretch]) -> dict[str, Look]:
    """Return the styles that the service has without a file."""
    red, green, _ = visible
    return {
        "true-colour": _colours(RGB, visible),
        "false-colour": _colours(("B08", "B04", "B03"), (INFRARED, red, green)),
        "ndvi": Look(bands=("B08", "B04"), channels=_share("B08", "B04"), paint=ramp(NDVI)),
        "scl": SCL,
        "SCL": SCL,
        **{f"B{number:02d}": _of(f"B{number:02d}") for number in range(1, 13)},
        "B8A": _of("B8A"),
    }


LOOKS: Mapping[str, Mapping[str, Look]] = {
    "S2_L1C": _house(TOP_OF_ATMOSPHERE) | _filed(),
    "S2_L2A": _house(SURFACE) | _filed(),
}
"""By layer and style."""
BROUGHT: Mapping[str, Look] = {
    "wcps:$c.B08 > 3000 and $c.B04 < 800": _filed()["bright-leaves"],
    "wcps(-0.2,0.9):($c.B08 - $c.B04) / ($c.B08 + $c.B04)": Look(
        bands=("B08", "B04"), channels=_share("B08", "B04"), paint=grey((-0.2, 0.9, 1))
    ),
    "wcps(0,4000):{r: $c.B04; g: $c.B03; b: $c.B02}": _colours(RGB, ((0, 4000, 1),) * 3),
}
"""Styles that a request spells out, by how it does."""
