"""The builder against GDAL's Sentinel-2 driver, real metadata and values set by hand."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from lxml import etree
from rasterio.crs import CRS

from tests.builders import presets
from tests.builders.bands import BAND_BY_NAME, BANDS, Level, image_list, level_bands
from tests.builders.expected import expected_saturated, expected_stored, expected_valid
from tests.builders.product import Product
from tests.builders.safe import build_safe
from tests.builders.safe_xml import REAL_PRODUCTS, read_member
from tests.builders.surface import Surface, noise_surface, real_surface

LEVELS: tuple[Level, ...] = ("L1C", "L2A")

# Elements whose text the builder sets; everything else is the skeleton's.
NAMED_PATHS = (
    "General_Info/Product_Info/PRODUCT_START_TIME",
    "General_Info/Product_Info/PRODUCT_STOP_TIME",
    "General_Info/Product_Info/PRODUCT_URI",
    "General_Info/Product_Info/PROCESSING_LEVEL",
    "General_Info/Product_Info/PRODUCT_TYPE",
    "General_Info/Product_Info/PROCESSING_BASELINE",
    "General_Info/Product_Info/GENERATION_TIME",
    "General_Info/Product_Info/Datatake/SPACECRAFT_NAME",
    "General_Info/Product_Info/Datatake/DATATAKE_SENSING_START",
    "General_Info/Product_Info/Datatake/SENSING_ORBIT_NUMBER",
    "General_Info/Product_Info/Datatake/SENSING_ORBIT_DIRECTION",
    "General_Info/Product_Info/Query_Options/PRODUCT_FORMAT",
    "General_Info/Product_Info/Product_Organisation/Granule_List/Granule/IMAGE_FILE",
    "General_Info/Product_Image_Characteristics/Special_Values/SPECIAL_VALUE_TEXT",
    "General_Info/Product_Image_Characteristics/Special_Values/SPECIAL_VALUE_INDEX",
    "Geometric_Info/Product_Footprint/Product_Footprint/Global_Footprint/EXT_POS_LIST",
    "Quality_Indicators_Info/Cloud_Coverage_Assessment",
)
NAMED_PATHS_BY_LEVEL = {
    "L1C": (
        "General_Info/Product_Image_Characteristics/QUANTIFICATION_VALUE",
        "General_Info/Product_Image_Characteristics/Radiometric_Offset_List/RADIO_ADD_OFFSET",
    ),
    "L2A": (
        "General_Info/Product_Image_Characteristics/QUANTIFICATION_VALUES_LIST/BOA_QUANTIFICATION_VALUE",
        "General_Info/Product_Image_Characteristics/BOA_ADD_OFFSET_VALUES_LIST/BOA_ADD_OFFSET",
    ),
}
TILE_PATHS = (
    "General_Info/TILE_ID",
    "General_Info/DATASTRIP_ID",
    "General_Info/SENSING_TIME",
    "Geometric_Info/Tile_Geocoding/HORIZONTAL_CS_NAME",
    "Geometric_Info/Tile_Geocoding/HORIZONTAL_CS_CODE",
    "Geometric_Info/Tile_Geocoding/Size/NROWS",
    "Geometric_Info/Tile_Geocoding/Size/NCOLS",
    "Geometric_Info/Tile_Geocoding/Geoposition/ULX",
    "Geometric_Info/Tile_Geocoding/Geoposition/ULY",
    "Geometric_Info/Tile_Geocoding/Geoposition/XDIM",
    "Geometric_Info/Tile_Geocoding/Geoposition/YDIM",
    "Geometric_Info/Tile_Angles/Sun_Angles_Grid/Zenith/COL_STEP",
    "Geometric_Info/Tile_Angles/Sun_Angles_Grid/Azimuth/Values_List/VALUES",
    "Geometric_Info/Tile_Angles/Mean_Sun_Angle/ZENITH_ANGLE",
    "Geometric_Info/Tile_Angles/Viewing_Incidence_Angles_Grids/Zenith/Values_List/VALUES",
    "Geometric_Info/Tile_Angles/Mean_Viewing_Incidence_Angle_List/Mean_Viewing_Incidence_Angle/AZIMUTH_ANGLE",
    "Quality_Indicators_Info/Image_Content_QI/CLOUDY_PIXEL_PERCENTAGE",
    "Quality_Indicators_Info/Pixel_Level_QI/MASK_FILENAME",
    "Quality_Indicators_Info/PVI_FILENAME",
)


@pytest.fixture(scope="module")
def surface() -> Surface:
    return real_surface(540).with_special_cells()


@pytest.fixture(scope="module")
def built(surface: Surface, tmp_path_factory: pytest.TempPathFactory) -> dict[Product, Path]:
    folder = tmp_path_factory.mktemp("built")
    products = [product for level in LEVELS for product in presets.three_baselines(level)]
    return {product: build_safe(folder, surface, product) for product in products}


def read(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.generic]]:
    with rasterio.open(path) as source:
        pixels: np.ndarray[tuple[int, int], np.dtype[np.generic]] = source.read(1)
    return pixels


def texts(root: etree._Element) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield (path without namespaces, text, attributes) of every element."""
    for element in root.iter():
        path = "/".join(
            etree.QName(step).localname
            for step in [*reversed(list(element.iterancestors())), element][1:]
        )
        yield path, (element.text or "").strip(), {str(k): str(v) for k, v in element.items()}


def layout(xml: bytes, paths: tuple[str, ...]) -> dict[str, set[tuple[str, frozenset[str]]]]:
    """Return the shape of the texts (digits as 9) and the attribute names at each path.

    The lengths of numbers and the tile's letters differ from product to product.
    """
    found: dict[str, set[tuple[str, frozenset[str]]]] = {path: set() for path in paths}
    for path, text, attributes in texts(etree.fromstring(xml)):
        if path in found:
            # The skeleton of 04.00 was converted to TIFF before its pixels were taken out.
            shape = re.sub(r"\.tif$", ".jp2", re.sub(r"2APS|SGS_|ESRI|VGS2", "~", text))
            shape = re.sub(r"-?\d+(\.\d+)?(e-?\d+)?|NaN", "9", shape)
            shape = re.sub(r"T9[A-Z]{3}", "T9XXX", shape)
            shape = re.sub(r"zone 9[NS]|(A|DE)SCENDING", "~", shape)
            shape = re.sub(r"S9[AB]|Sentinel-?9[AB]", "S", re.sub(r"(9 )+9", "9", shape))
            found[path].add((shape, frozenset(attributes)))
    return found


def test_names_are_those_of_real_products() -> None:
    product = presets.north("05.09")
    assert product.name == "S2A_MSIL2A_20230815T095031_N0509_R079_T33TWM_20230815T155031.SAFE"
    assert product.granule == "L2A_T33TWM_A042547_20230815T095630"
    assert product.image_path("B02", 10).as_posix() == (
        "GRANULE/L2A_T33TWM_A042547_20230815T095630/IMG_DATA/R10m/T33TWM_20230815T095031_B02_10m.jp2"
    )
    assert presets.north("05.09", "L1C").image_path("B8A", 20).as_posix() == (
        "GRANULE/L1C_T33TWM_A042547_20230815T095630/IMG_DATA/T33TWM_20230815T095031_B8A.jp2"
    )
    second = replace(product, spacecraft="S2B", absolute_orbit=26649)
    assert second.relative_orbit == 25  # S2B_MSIL2A_20220413T150759_N0400_R025


def test_southern_edge_is_40_modulo_60() -> None:
    assert presets.south().origin_y_m % 60 == 40
    assert (10_000_000 - presets.south().origin_y_m) % 60 == 0


@pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning"
)  # only subdatasets are
def test_gdal_opens_every_subdataset(built: dict[Product, Path], surface: Surface) -> None:
    """GDAL takes the georeferencing from MTD_TL.xml and the files from MTD_MSI*.xml."""
    for product, safe in built.items():
        with rasterio.open(safe / f"MTD_MSI{product.level}.xml") as dataset:
            assert dataset.driver == "SENTINEL2"
            tags, names = dataset.tags(), dataset.subdatasets
        assert tags["PROCESSING_BASELINE"] == product.baseline
        assert tags["DATATAKE_1_ID"] == product.datatake_id
        assert {name.split(":")[-2] for name in names} == {"10m", "20m", "60m", "TCI"}
        for name in names:
            resolution = name.split(":")[-2]
            resolution_m = 10 if resolution == "TCI" else int(resolution.removesuffix("m"))
            with rasterio.open(name) as dataset:
                assert dataset.crs == CRS.from_epsg(product.epsg)
                assert dataset.transform == product.transform(resolution_m)
                assert dataset.shape == (surface.size_px_10m * 10 // resolution_m,) * 2
                if resolution == "TCI":
                    continue
                bands = {
                    str(dataset.tags(index)["BANDNAME"]): index
                    for index in dataset.indexes
                    if "BANDNAME" in dataset.tags(index)
                }
                native = [b for b in level_bands(product.level) if b.resolution_m == resolution_m]
                for band in native:
                    index = bands[re.sub("B0", "B", band.name)]
                    expected = surface.dn(band.name, product.offset)
                    np.testing.assert_array_equal(dataset.read(index), expected, str(name))


def test_files_hold_the_pixels_where_they_belong(
    built: dict[Product, Path], surface: Surface
) -> None:
    for product, safe in built.items():
        for image, resolution_m in image_list(product.level, product.baseline):
            with rasterio.open(safe / product.image_path(image, resolution_m)) as source:
                assert source.driver == "JP2OpenJPEG"
                assert source.crs == CRS.from_epsg(product.epsg)
                assert source.transform == product.transform(resolution_m)
                assert source.nodata is None
                assert source.tags(ns="IMAGE_STRUCTURE")["COMPRESSION_REVERSIBILITY"] == "LOSSLESS"
                if image == "SCL" and resolution_m == 20:
                    np.testing.assert_array_equal(source.read(1), surface.scene_class)
                if image in BAND_BY_NAME and BAND_BY_NAME[image].resolution_m == resolution_m:
                    expected = surface.dn(image, product.offset)
                    np.testing.assert_array_equal(source.read(1), expected)
        folder = safe / product.quality_folder
        listed = re.findall(rb">(GRANULE[^<]*MSK_[^<]*)<", read_member(safe, "MTD_TL.xml"))
        assert {safe / path.decode() for path in listed} == set(folder.glob("MSK_*"))
        assert not list(safe.rglob("*.aux.xml"))


def test_special_cells_are_encoded_as_the_baseline_says(
    built: dict[Product, Path], surface: Surface
) -> None:
    for product, safe in built.items():
        shift = 0 if product.baseline == "02.14" else 1000
        for column, band in enumerate(BANDS, start=20):
            if band not in level_bands(product.level):
                continue
            dn = read(safe / product.image_path(band.name, band.resolution_m))
            assert dn[10:17, column].tolist() == [
                65535,
                *(value + shift for value in (32767, 32768, 40000, 32000, 1, 0)),
            ]
            assert dn[0, 0] == 0
            assert expected_stored(surface, product, band.name)[10:17, column].tolist() == [
                32767, 32767, 32767, 32767, 32000, 1, 0,
            ]  # fmt: skip
            assert expected_saturated(surface, product, band.name) == 3
            if shift:
                detectors = read(safe / product.quality_folder / f"MSK_DETFOO_{band.name}.jp2")
                np.testing.assert_array_equal(detectors == 0, dn == 0)
                assert set(np.unique(detectors)) == {0, 5, 6}


def test_negative_reflectance_needs_an_offset(surface: Surface, tmp_path: Path) -> None:
    negative = surface.with_negative_cells()
    product = presets.partial(presets.north("05.09", "L1C"), "B02")
    safe = build_safe(tmp_path, negative, product)
    assert read(safe / product.image_path("B02", 10))[18:21, 21].tolist() == [999, 500, 1]
    assert expected_stored(negative, product, "B02")[18:21, 21].tolist() == [-1, -500, -999]
    with pytest.raises(ValueError, match="B02: DN -999"):
        build_safe(tmp_path, negative, presets.north("02.14"))


def test_one_surface_is_stored_alike_from_every_baseline(surface: Surface) -> None:
    for level in LEVELS:
        for band in level_bands(level):
            for product in presets.three_baselines(level):
                stored = expected_stored(surface, product, band.name)
                np.testing.assert_array_equal(stored, surface.stored(band.name))
            corner = np.add.outer(*[np.arange(stored.shape[0]) * band.resolution_m // 60] * 2) < 3
            np.testing.assert_array_equal(stored == -32768, corner)


def test_validity_comes_from_what_is_on_disk(surface: Surface) -> None:
    gap = surface.with_gap("B03", [(100, 100)])
    whole = presets.north("05.09", "L1C")
    assert not expected_valid(gap, whole, "B03")[100, 100]
    assert expected_valid(gap, whole, "B02")[100, 100]
    # Without masks the other 10 m bands, which saw the ground, vouch for the cell...
    assert expected_valid(gap, replace(whole, masks=False), "B03")[100, 100]
    # ...unless the band is alone.
    assert not expected_valid(gap, presets.partial(whole, "B03"), "B03")[100, 100]
    for level in LEVELS:
        assert not expected_valid(gap, presets.north("02.14", level), "B03")[100, 100]
    # The scene classes know nothing of one band's gap.
    assert expected_valid(gap, replace(whole, level="L2A", masks=False), "B03")[100, 100]


@pytest.mark.parametrize(("level", "baseline", "pattern"), REAL_PRODUCTS)
def test_templates_have_the_layout_of_real_metadata(
    level: Level, baseline: str, pattern: str, testdata: Path, tmp_path: Path
) -> None:
    (real,) = testdata.glob(pattern)
    product = replace(presets.north("05.09", level), baseline=baseline)
    safe = build_safe(tmp_path, noise_surface(60), product, real_metadata=False)
    name, paths = f"MTD_MSI{level}.xml", (*NAMED_PATHS, *NAMED_PATHS_BY_LEVEL[level])
    assert layout(read_member(safe, name), paths) == layout(read_member(real, name), paths)
    tile = "MTD_TL.xml"
    assert layout(read_member(safe, tile), TILE_PATHS) == layout(
        read_member(real, tile), TILE_PATHS
    )


def test_real_metadata_keeps_what_the_builder_does_not_set(testdata: Path, tmp_path: Path) -> None:
    """Angles and spectral responses are ESA's; the list of elements is unchanged."""
    (real,) = testdata.glob(REAL_PRODUCTS[3][2])
    safe = build_safe(tmp_path, noise_surface(60), presets.north("05.09"))
    for name in ("MTD_MSIL2A.xml", "MTD_TL.xml"):
        ours = list(texts(etree.fromstring(read_member(safe, name))))
        theirs = list(texts(etree.fromstring(read_member(real, name))))
        assert sorted({path for path, *_ in ours}) == sorted({path for path, *_ in theirs})
        assert len(ours) == len(theirs)
        kept = [item for item in theirs if "Spectral" in item[0] or "Angle" in item[0]]
        assert kept
        assert kept == [item for item in ours if "Spectral" in item[0] or "Angle" in item[0]]


def test_offset_follows_the_metadata_not_the_baseline(tmp_path: Path) -> None:
    surface = noise_surface(60)
    for index, offset in enumerate((None, 0, -500)):
        product = replace(presets.north("05.09"), add_offset=offset)
        safe = build_safe(tmp_path / str(index), surface, product)
        root = etree.fromstring(read_member(safe, "MTD_MSIL2A.xml"))
        declared = [element.text for element in root.iter("BOA_ADD_OFFSET")]
        assert declared == ([] if offset is None else [str(offset)] * 13)
        dn = read(safe / product.image_path("B04", 10)).astype(np.int32)
        np.testing.assert_array_equal(dn + (offset or 0), surface.layer("B04").reflectance)


def test_partial_product_lists_all_but_holds_some(surface: Surface, tmp_path: Path) -> None:
    product = presets.partial(presets.north("04.00"), "B02", "B8A", "SCL")
    safe = build_safe(tmp_path, surface, product)
    names = {path.name.split("_", 2)[2] for path in safe.rglob("*.jp2")}
    assert names == {
        "B02_10m.jp2", "B02_20m.jp2", "B02_60m.jp2", "B8A_20m.jp2", "B8A_60m.jp2",
        "SCL_20m.jp2", "SCL_60m.jp2",
    }  # fmt: skip
    listed = re.findall(rb"<IMAGE_FILE>", read_member(safe, "MTD_MSIL2A.xml"))
    assert len(listed) == len(image_list("L2A", "04.00")) == 7 + 14 + 15


def test_cut_product_lies_inside_the_declared_tile(surface: Surface, tmp_path: Path) -> None:
    product = presets.cut(presets.south())
    safe = build_safe(tmp_path, surface, product)
    root = etree.fromstring(read_member(safe, "MTD_TL.xml"))
    assert root.findtext(".//Size[@resolution='20']/NROWS") == "5490"
    assert root.findtext(".//Geoposition[@resolution='60']/ULY") == "7600000"
    with rasterio.open(safe / product.image_path("B09", 60)) as source:
        assert source.shape == (90, 90)
        assert (source.transform.c, source.transform.f) == (499980 + 1200, 7600000 - 1800)


def test_reprocessed_product_shares_the_datatake() -> None:
    old = presets.north("05.09")
    new = presets.reprocessed(old)
    assert new.name == "S2A_MSIL2A_20230815T095031_N0510_R079_T33TWM_20240814T155031.SAFE"
    assert new.granule == old.granule


def test_manifest_lists_every_file(built: dict[Product, Path]) -> None:
    safe = next(iter(built.values()))
    root = etree.fromstring((safe / "manifest.safe").read_bytes())
    listed = {str(element.get("href")) for element in root.iter("fileLocation")}
    on_disk = {path.relative_to(safe).as_posix() for path in safe.rglob("*") if path.is_file()}
    assert listed == on_disk - {"manifest.safe"}


def test_gml_footprint_covers_the_valid_cells(built: dict[Product, Path], surface: Surface) -> None:
    product, safe = next((p, s) for p, s in built.items() if p.baseline == "02.14")
    root = etree.parse(safe / product.quality_folder / "MSK_DETFOO_B02.gml").getroot()
    rings = [
        np.array((element.text or "").split(), float).reshape(-1, 2)
        for element in root.iter("{http://www.opengis.net/gml/3.2}posList")
    ]
    areas_m2 = [
        abs(np.sum(ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1])) / 2 for ring in rings
    ]
    assert sum(areas_m2) == np.count_nonzero(surface.layer("B02").covered) * 100
