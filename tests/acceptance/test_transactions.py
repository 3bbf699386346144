"""Coverages inserted, changed and deleted over the network, on a real server by real clients."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import netCDF4
import numpy as np
import pytest
import rasterio
from affine import Affine
from lxml import etree
from numpy.typing import NDArray
from owslib.wcs import WebCoverageService
from PIL import Image
from rasterio.io import MemoryFile
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.builders.loopback import loopback
from tests.builders.served import run_copernicube, served

TOKEN = "0f8a1c-a-token-of-this-test"  # noqa: S105  # of a server on loopback
SPACE = "http://www.opengis.net/wcs_service-extension_transaction/2.0"
HEAD = f'xmlns="{SPACE}" service="WCS" version="2.0.1"'
GRID = Affine(10, 0, 500000, 0, -10, 5400000)


def cells(seed: int, bands: int = 2) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(0, 9000, (bands, 30, 40)).astype(np.int16)


def geotiff(path: Path, values: NDArray[np.int16], transform: Affine = GRID) -> Path:
    count, height, width = values.shape
    kind = {"driver": "GTiff", "dtype": "int16", "crs": "EPSG:32633", "nodata": -1}
    with rasterio.open(
        path, "w", width=width, height=height, count=count, transform=transform, **kind
    ) as file:
        file.write(values)
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    url: str
    store: Path
    client: httpx2.Client

    def send(self, request: str, file: Path | None = None, **fields: str) -> httpx2.Response:
        data = {"service": "WCS", "version": "2.0.1", "request": request, **fields}
        name = "inputCoverage" if request == "UpdateCoverage" else "coverage"
        files = {name: (file.name, file.read_bytes())} if file else {"x": ("", b"")}
        got: httpx2.Response = self.client.post("/ows", data=data, files=files)
        return got

    def raster(self, name: str, *subsets: str, **fields: str) -> NDArray[np.int16]:
        pairs = [("service", "WCS"), ("version", "2.0.1"), ("request", "GetCoverage")]
        pairs += [("coverageid", name), ("format", "image/tiff")]
        pairs += [("subset", one) for one in subsets] + list(fields.items())
        got = httpx2.get(f"{self.url}/ows?{urlencode(pairs)}", timeout=60)
        assert got.status_code == 200, got.text
        with MemoryFile(got.content) as held, held.open() as file:
            assert file.transform == GRID
            values: NDArray[np.int16] = file.read()
            return values


@contextmanager
def service(folder: Path, patch: pytest.MonkeyPatch, **settings: str) -> Iterator[Service]:
    tokens = folder / "tokens"
    tokens.write_text(f"# who may write\npartner:{sha256(TOKEN.encode()).hexdigest()}\n")
    patch.setenv("COPERNICUBE_TRANSACTIONS", "on")
    patch.setenv("COPERNICUBE_TRANSACTION_TOKENS", str(tokens))
    for name, value in settings.items():
        patch.setenv(f"COPERNICUBE_TRANSACTION_{name}", value)
    store = folder / "store"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with served(store) as url, httpx2.Client(base_url=url, timeout=60, headers=headers) as client:
        yield Service(url=url, store=store, client=client)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with (
        pytest.MonkeyPatch.context() as patch,
        service(tmp_path_factory.mktemp("wcst"), patch, FILE_BYTES="300000") as made,
    ):
        yield made


def failed(answer: httpx2.Response, code: str, status: int) -> None:
    assert (answer.status_code, f'exceptionCode="{code}"' in answer.text) == (status, True), (
        answer.text
    )


def identifier(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, answer.text
    root = etree.fromstring(answer.content)
    assert root.tag == f"{{{SPACE}}}InsertCoverageResponse"
    return root.text or ""


def test_a_file_is_inserted_by_curl_and_read_by_every_service(
    running: Service, tmp_path: Path
) -> None:
    values = cells(1)
    path = geotiff(tmp_path / "field.tif", values)
    before = httpx2.get(f"{running.url}/ows?service=WCS&request=GetCapabilities")
    done = subprocess.run(
        [
            *("curl", "-sS", "-H", f"Authorization: Bearer {TOKEN}", "-F", "service=WCS"),
            *("-F", "version=2.0.1", "-F", "request=InsertCoverage", "-F", "coverageId=Field"),
            *("-F", f"coverage=@{path}", f"{running.url}/ows"),
        ],
        capture_output=True,
        check=True,
    )
    assert etree.fromstring(done.stdout).text == "Field"
    np.testing.assert_array_equal(running.raster("Field"), values)
    after = httpx2.get(f"{running.url}/ows?service=WCS&request=GetCapabilities")
    assert int(after.headers["copernicube-revision"]) > int(before.headers["copernicube-revision"])
    assert after.headers["etag"] != before.headers["etag"]
    found = WebCoverageService(f"{running.url}/ows", version="2.0.1")
    assert "Field" in found.contents
    picture = httpx2.get(
        f"{running.url}/ows?service=WMS&version=1.3.0&request=GetMap&layers=Field&styles=&"
        "crs=EPSG:32633&bbox=500000,5399700,500400,5400000&width=40&height=30&format=image/png"
    )
    assert picture.headers["content-type"].startswith("image/png"), picture.text
    assert len(np.unique(np.asarray(Image.open(BytesIO(picture.content))))) > 50
    read = subprocess.run(
        [
            *("gdal_translate", "-q", "-of", "XYZ"),
            f"WCS:{running.url}/ows?service=WCS&version=2.0.1&coverage=Field",
            "/vsistdout/",
        ],
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin", "HOME": str(tmp_path), "GDAL_HTTP_TIMEOUT": "30"},
    )
    triples = np.loadtxt(BytesIO(read.stdout))
    np.testing.assert_array_equal(triples[:, 2].reshape(30, 40), values[0])
    failed(running.send("InsertCoverage", path, coverageId="Field"), "CoverageAlreadyExists", 409)
    chosen = identifier(running.send("InsertCoverage", path, coverageId="Field", useId="new"))
    assert chosen != "Field"
    np.testing.assert_array_equal(running.raster(chosen), values)


def test_a_cube_of_times_grows_changes_and_goes(running: Service, tmp_path: Path) -> None:
    first, second, third = cells(2), cells(3), cells(4)
    path = geotiff(tmp_path / "a.tif", first)
    got = running.send("InsertCoverage", path, coverageId="Series", subset='ansi("2026-01-01")')
    inserted = int(got.headers["copernicube-revision"])
    assert identifier(got) == "Series"
    path = geotiff(tmp_path / "b.tif", second)
    got = running.send("UpdateCoverage", path, coverageId="Series", subset='ansi("2026-01-02")')
    assert (got.status_code, got.content) == (200, b""), got.text
    np.testing.assert_array_equal(running.raster("Series", 'ansi("2026-01-01")'), first)
    np.testing.assert_array_equal(running.raster("Series", 'ansi("2026-01-02")'), second)

    got = running.client.post(
        "/ows",
        data={
            "service": "WCS",
            "version": "2.0.1",
            "request": "UpdateCoverage",
            "coverageId": "Series",
            "rangeComponent": "1,band2",
            "subset": ['ansi("2026-01-02")', "E(500100,500200)", "N(5399800,5399900)"],
        },
        files={"inputCoverage": geotiff(tmp_path / "c.tif", third).read_bytes()},
    )
    assert got.status_code == 200, got.text
    changed = second.copy()
    changed[1, 10:20, 10:20] = third[0, 10:20, 10:20]
    np.testing.assert_array_equal(running.raster("Series", 'ansi("2026-01-02")'), changed)

    mask = np.zeros((1, 30, 40), np.int16)
    mask[0, 5:9, 30:] = 1
    files = {
        "inputCoverage": geotiff(tmp_path / "d.tif", third).read_bytes(),
        "mask": geotiff(tmp_path / "m.tif", mask).read_bytes(),
    }
    fields = {"service": "WCS", "version": "2.0.1", "request": "UpdateCoverage"}
    fields |= {"coverageId": "Series", "subset": 'ansi("2026-01-02")'}
    got = running.client.post("/ows", data=fields, files=files)
    assert got.status_code == 200, got.text
    revision = int(got.headers["copernicube-revision"])
    changed[:, 5:9, 30:] = third[:, 5:9, 30:]
    np.testing.assert_array_equal(running.raster("Series", 'ansi("2026-01-02")'), changed)

    assert running.send("DeleteCoverage", coverageId="Series").status_code == 200
    query = "service=WCS&version=2.0.1&request=DescribeCoverage&coverageid=Series"
    failed(httpx2.get(f"{running.url}/ows?{query}"), "NoSuchCoverage", 404)
    old = running.raster("Series", 'ansi("2026-01-02")', as_of=str(revision))
    np.testing.assert_array_equal(old, changed)
    listed = httpx2.get(f"{running.url}/ows?service=WCS&request=GetCapabilities").text
    assert ">Series<" not in listed
    earlier = running.raster("Series", as_of=str(inserted))
    np.testing.assert_array_equal(earlier, first)
    # The id is free again, and what comes has nothing of what was there.
    again = geotiff(tmp_path / "e.tif", third)
    got = running.send("InsertCoverage", again, coverageId="Series", subset='ansi("2026-03-01")')
    assert identifier(got) == "Series"
    np.testing.assert_array_equal(running.raster("Series"), third)


def test_netcdf_with_times_is_inserted_in_one_commit(running: Service, tmp_path: Path) -> None:
    values = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)
    with netCDF4.Dataset(tmp_path / "t.nc", "w") as file:
        for name, size in (("time", 3), ("lat", 4), ("lon", 5)):
            file.createDimension(name, size)
            file.createVariable(name, "f8", (name,))
        file["time"][:], file["time"].units = [0, 1, 2], "days since 2026-01-01"
        file["lat"][:], file["lat"].units = [50.5, 49.5, 48.5, 47.5], "degrees_north"
        file["lon"][:], file["lon"].units = [5.5, 6.5, 7.5, 8.5, 9.5], "degrees_east"
        file.createVariable("warm", "f4", ("time", "lat", "lon"), fill_value=np.nan)[:] = values
    before = running.client.get("/ows?service=WCS&request=GetCapabilities")
    got = running.send("InsertCoverage", tmp_path / "t.nc", coverageId="Warm")
    assert identifier(got) == "Warm"
    revisions = [int(one.headers["copernicube-revision"]) for one in (before, got)]
    assert revisions[1] == revisions[0] + 1
    query = "service=WCS&version=2.0.1&request=GetCoverage&coverageid=Warm"
    read = httpx2.get(f"{running.url}/ows?{query}&format=application/netcdf")
    with netCDF4.Dataset("x", memory=read.content) as file:
        np.testing.assert_array_equal(np.asarray(file["warm"][:]), values)


GML = """<gmlcov:RectifiedGridCoverage gml:id="{name}" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:gmlcov="http://www.opengis.net/gmlcov/1.0" xmlns:swe="http://www.opengis.net/swe/2.0">
 <gml:domainSet><gml:RectifiedGrid gml:id="g" dimension="2"
  srsName="http://www.opengis.net/def/crs/EPSG/0/4326">
 <gml:limits><gml:GridEnvelope><gml:low>0 0</gml:low><gml:high>2 1</gml:high></gml:GridEnvelope>
 </gml:limits><gml:axisLabels>Lon Lat</gml:axisLabels>
 <gml:origin><gml:Point gml:id="p"><gml:pos>51.5 7.5</gml:pos></gml:Point></gml:origin>
 <gml:offsetVector>0 1</gml:offsetVector><gml:offsetVector>-1 0</gml:offsetVector>
 </gml:RectifiedGrid></gml:domainSet>
 <gml:rangeSet>{cells}</gml:rangeSet>
 <gmlcov:rangeType><swe:DataRecord><swe:field name="v"><swe:Quantity
  definition="http://www.opengis.net/def/dataType/OGC/0/signedShort"/></swe:field>
 </swe:DataRecord></gmlcov:rangeType></gmlcov:RectifiedGridCoverage>"""
INLINE = (
    "<gml:DataBlock><gml:rangeParameters/><gml:tupleList>1 2 3 4 5 6</gml:tupleList>"
    "</gml:DataBlock>"
)
FILE = (
    "<gml:File><gml:rangeParameters/><gml:fileReference>cid:cells</gml:fileReference>"
    "<gml:fileStructure/></gml:File>"
)


@pytest.mark.parametrize("soap", [False, True])
def test_gml_is_inserted_by_xml_and_soap(running: Service, soap: bool) -> None:  # noqa: FBT001  # a parameter
    name = f"Inline{int(soap)}"
    document = f"<InsertCoverage {HEAD}><coverage>{GML.format(name=name, cells=INLINE)}</coverage>"
    document += "</InsertCoverage>"
    kind = "application/soap+xml" if soap else "application/xml"
    if soap:
        space = "http://www.w3.org/2003/05/soap-envelope"
        document = f'<s:Envelope xmlns:s="{space}"><s:Body>{document}</s:Body></s:Envelope>'
    got = running.client.post("/ows", content=document, headers={"Content-Type": kind})
    assert got.status_code == 200, got.text
    assert f">{name}<" in got.text
    assert ("Envelope" in got.text) is soap
    query = "service=WCS&version=2.0.1&request=GetCoverage&format=image/tiff&coverageid="
    with (
        MemoryFile(httpx2.get(f"{running.url}/ows?{query}{name}").content) as held,
        held.open() as file,
    ):
        np.testing.assert_array_equal(file.read(1), [[1, 2, 3], [4, 5, 6]])
        assert file.transform == Affine(1, 0, 7, 0, -1, 52)
        assert file.dtypes[0] == "int16"
    deletion = f"<DeleteCoverage {HEAD}><coverageId>{name}</coverageId></DeleteCoverage>"
    if soap:
        deletion = f'<s:Envelope xmlns:s="{space}"><s:Body>{deletion}</s:Body></s:Envelope>'
    got = running.client.post("/ows", content=deletion, headers={"Content-Type": kind})
    assert got.status_code == 200, got.text


def test_gml_refers_to_a_file_beside_it(running: Service, tmp_path: Path) -> None:
    values = cells(7, bands=1)
    document = f"<InsertCoverage {HEAD}><coverage>{GML.format(name='Beside', cells=FILE)}"
    document += "</coverage></InsertCoverage>"
    file = geotiff(tmp_path / "b.tif", values).read_bytes()
    body = (
        b"--B\r\nContent-Type: application/xml\r\n\r\n" + document.encode() + b"\r\n--B\r\n"
        b"Content-Type: image/tiff\r\nContent-ID: <cells>\r\n\r\n" + file + b"\r\n--B--\r\n"
    )
    headers = {"Content-Type": 'multipart/related; boundary="B"'}
    got = running.client.post("/ows", content=body, headers=headers)
    assert identifier(got) == "Beside"
    np.testing.assert_array_equal(running.raster("Beside"), values)


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer"])
def test_without_the_token_nothing_is_written(
    running: Service, tmp_path: Path, authorization: str
) -> None:
    file = geotiff(tmp_path / "n.tif", cells(8)).read_bytes()
    headers = {"Authorization": authorization} if authorization else {}
    fields = {"service": "WCS", "version": "2.0.1", "request": "InsertCoverage"}
    with httpx2.Client(base_url=running.url, headers=headers) as client:
        got = client.post("/ows", data=fields | {"coverageId": "No"}, files={"coverage": file})
        failed(got, "OperationNotAllowed", 403)
        assert TOKEN not in got.text
        got = client.get("/ows?service=WCS&version=2.0.1&request=DeleteCoverage&coverageid=Field")
        failed(got, "OperationNotAllowed", 403)


@pytest.mark.parametrize(
    ("fields", "code", "status"),
    [
        ({"coverageRef": "file:///etc/passwd"}, "OperationNotAllowed", 403),
        ({"coverageRef": "http://127.0.0.1:1/x.tif"}, "OperationNotAllowed", 403),
        ({"coverageRef": "http://169.254.169.254/latest/meta-data"}, "OperationNotAllowed", 403),
        ({}, "MissingParameterValue", 400),
        ({"coverage": "<x/>"}, "InvalidCoverageType", 400),
        ({"coverage": "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"}, "InvalidParameterValue", 400),
        ({"coverage": "<x/>", "useId": "other"}, "InvalidParameterValue", 400),
    ],
)
def test_refusals(running: Service, fields: dict[str, str], code: str, status: int) -> None:
    got = running.send("InsertCoverage", None, coverageId="Bad", **fields)
    failed(got, code, status)


def test_refused_files_leave_nothing(running: Service, tmp_path: Path) -> None:
    before = running.client.get("/ows?service=WCS&request=GetCapabilities").headers
    text = tmp_path / "x.txt"
    text.write_text("no coverage")
    failed(running.send("InsertCoverage", text, coverageId="Bad"), "InvalidCoverageType", 400)
    text.write_bytes(b"\0" * 400_000)
    long = running.send("InsertCoverage", text, coverageId="Bad")
    assert (long.status_code, "TRANSACTION_FILE_BYTES" in long.text) == (413, True)
    torn = geotiff(tmp_path / "torn.tif", cells(9))
    torn.write_bytes(torn.read_bytes()[:1500])
    assert running.send("InsertCoverage", torn, coverageId="Bad").status_code in {400, 404}
    linked = tmp_path / "linked.nc"
    import h5py  # noqa: PLC0415  # only this test makes such files

    with h5py.File(linked, "w") as file:
        file.create_dataset("d", (100,), "u1", external=[("/etc/passwd", 0, 100)])
    got = running.send("InsertCoverage", linked, coverageId="Bad")
    assert (got.status_code, "other files" in got.text) == (400, True), got.text
    after = running.client.get("/ows?service=WCS&request=GetCapabilities").headers
    assert after["etag"] == before["etag"]


def test_misfitting_changes_are_refused(running: Service, tmp_path: Path) -> None:
    path = geotiff(tmp_path / "p.tif", cells(10))
    identifier(running.send("InsertCoverage", path, coverageId="Plain"))
    off = geotiff(tmp_path / "off.tif", cells(11), Affine(7, 0, 500003, 0, -7, 5400000))
    failed(running.send("UpdateCoverage", off, coverageId="Plain"), "InconsistentChange", 404)
    three = geotiff(tmp_path / "three.tif", cells(12, bands=3))
    failed(running.send("UpdateCoverage", three, coverageId="Plain"), "InconsistentChange", 404)
    dated = running.send("UpdateCoverage", path, coverageId="Plain", subset='ansi("2026-01-01")')
    failed(dated, "InconsistentChange", 404)
    failed(running.send("UpdateCoverage", path, coverageId="None"), "NoSuchCoverage", 404)
    failed(running.send("DeleteCoverage", coverageId="Plain,None"), "NoSuchCoverage", 404)
    np.testing.assert_array_equal(running.raster("Plain"), cells(10))


def test_allowed_origins_are_fetched_and_the_catalogue_is_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = cells(20)
    file = geotiff(tmp_path / "far.tif", values).read_bytes()

    async def far_file(request: Request) -> Response:
        if request.url.path == "/moved":
            return RedirectResponse("/far.tif")
        return Response(file, media_type="image/tiff")

    app = Starlette(routes=[Route("/{name}", far_file)])
    with loopback(app) as far, service(tmp_path, monkeypatch, HOSTS=far) as made:
        get = "/ows?service=WCS&version=2.0.1&request=InsertCoverage&coverageid=Far"
        get += f"&coverageref={far}"
        failed(made.client.get(f"{get}/moved"), "InvalidParameterValue", 400)
        assert identifier(made.client.get(f"{get}/far.tif")) == "Far"
        gone = geotiff(tmp_path / "g.tif", cells(21))
        identifier(made.send("InsertCoverage", gone, coverageId="Gone"))
        assert made.send("DeleteCoverage", coverageId="Gone").status_code == 200
    for path in made.store.glob("catalog*"):
        path.unlink()
    run_copernicube("cubes", "rebuild", "--store", made.store)
    with served(made.store) as url:
        rebuilt = Service(url=url, store=made.store, client=made.client)
        np.testing.assert_array_equal(rebuilt.raster("Far"), values)
        np.testing.assert_array_equal(rebuilt.raster("Gone", as_of="2"), cells(21))
        listed = httpx2.get(f"{url}/ows?service=WCS&request=GetCapabilities").text
        assert ">Gone<" not in listed
