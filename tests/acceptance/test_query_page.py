"""Everything that docs/how-to/query.md shows is run on the demo's cubes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/how-to/query.md").read_text()
SHOWN = "http://127.0.0.1:8080"
SHELL = re.findall(r"^```sh\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
PYTHON = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
(ADDRESS,) = re.findall(r"^```text\n(http.*?)\n```", TEXT, flags=re.DOTALL | re.MULTILINE)


class Samples:
    """The bundled files, read with rasterio: what the answers are compared with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def virginia(self, band: str) -> np.ndarray:
        with rasterio.open(self.folder / f"virginia/{band}.tif") as file:
            return np.asarray(file.read(1), np.float64)

    def romania(self, date: str, band: str) -> np.ndarray:
        with rasterio.open(self.folder / f"romania/{date}/{band}.tif") as file:
            return np.asarray(file.read(1), np.float64)

    def dates(self, first: str = "", last: str = "9") -> list[str]:
        names = sorted(path.name for path in (self.folder / "romania").iterdir() if path.is_dir())
        return [name for name in names if first <= name.replace("-", "") <= last]

    def mean(self, band: str) -> float:
        cells = np.stack([self.romania(date, band) for date in self.dates()])
        return float(cells[cells > 0].mean())


@pytest.fixture(scope="module")
def source(samples: Path) -> Samples:
    return Samples(samples)


@pytest.fixture
def shell(demo_store: Path, demo_url: str, tmp_path: Path) -> "Shell":
    return Shell(demo_store, demo_url, tmp_path)


class Shell:
    """Runs a command of the page where its files may lie."""

    def __init__(self, store: Path, url: str, folder: Path) -> None:
        self.store, self.url, self.folder = store, url, folder

    def run(self, part: str) -> str:
        """Run the one command that `part` occurs in; returns what it prints."""
        (command,) = (one for one in SHELL if part in one)
        if command.startswith("curl") and shutil.which("curl") is None:
            pytest.skip("needs curl")
        command = command.replace(SHOWN, self.url).replace("build/demo-store", str(self.store))
        command = command.replace("copernicube query", f"{sys.executable} -m copernicube query")
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_every_command_has_a_test() -> None:
    assert (len(SHELL), len(PYTHON)) == (7, 2)


def test_a_number(shell: Shell, source: Samples) -> None:
    expected = pytest.approx(source.mean("B08"), rel=1e-12)
    assert float(shell.run("curl -G http://127.0.0.1:8080/ows --data")) == expected
    assert float(shell.run("demo-store 'for $c in (S2_L2A_3035_10m) return avg")) == expected


def test_a_series(shell: Shell, source: Samples) -> None:
    shell.run("-o series.csv")
    series = (shell.folder / "series.csv").read_text().split(",")
    dates = source.dates("2018", "2020")
    assert len(series) == len(dates) > 60
    numbers = np.array([float(text) for text in series if text != "null"])
    assert 5 < len(numbers) <= len(dates)
    assert np.all((numbers > -1) & (numbers < 1))
    assert numbers.max() > 0.6


def test_its_cost(shell: Shell, source: Samples) -> None:
    told = shell.run("--explain cost")
    # The 100 x 100 cells of a date lie in one chunk.
    assert f"cost: {len(source.dates('2018', '2020'))} chunks" in told
    assert "within the limits" in told


def test_a_composite(shell: Shell, source: Samples) -> None:
    shell.run("-o composite.tif")
    with rasterio.open(shell.folder / "composite.tif") as file:
        made = file.read(1, masked=True)
    cells, clear = [], []
    for date in source.dates("201806", "20180832"):
        classes = source.romania(date, "SCL").repeat(2, axis=0).repeat(2, axis=1)
        red = source.romania(date, "B04")
        cells.append(red)
        clear.append((classes > 3) & (classes < 7) & (red > 0))
    stack = np.where(np.stack(clear), np.stack(cells), np.nan)
    seen = ~np.isnan(stack).all(axis=0)
    assert np.array_equal(seen, ~np.ma.getmaskarray(made))
    assert np.array_equal(np.nanmedian(stack[:, seen], axis=0), made.data[seen])


def test_a_histogram(shell: Shell, source: Samples) -> None:
    counts = [int(text) for text in shell.run("coverage histogram").split(",")]
    nir = source.virginia("B08")
    expected, _ = np.histogram(nir[nir > 0], bins=np.arange(21) * 250 - 0.5)
    assert counts == expected.tolist()


def test_a_picture(shell: Shell, source: Samples) -> None:
    shell.run("-o ndvi.png")
    picture = np.asarray(Image.open(shell.folder / "ndvi.png")).astype(int)
    nir, red = source.virginia("B08"), source.virginia("B04")
    ndvi = np.divide(nir - red, nir + red, out=np.zeros_like(nir), where=nir + red > 0)
    stops = [-0.2, 0.1, 0.8]
    for band, colours in enumerate(([40, 240, 0], [80, 230, 100], [160, 200, 30])):
        painted = np.interp(ndvi, stops, colours)
        assert np.abs(picture[..., band] - painted).max() <= 1


def test_an_address(demo_url: str, source: Samples) -> None:
    with (
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
        rasterio.open(f"/vsicurl/{ADDRESS.replace(SHOWN, demo_url)}") as file,
    ):
        assert file.crs.to_epsg() == 3035
        read = file.read(1)
    (date,) = source.dates("20180706", "20180706")
    assert np.array_equal(read, source.romania(date, "B08"))


def test_python(demo_url: str, source: Samples) -> None:
    ours, theirs = PYTHON
    names: dict[str, object] = {}
    exec(ours.replace(SHOWN, demo_url), names)  # noqa: S102  # the page's own text
    expected = source.mean("B08")
    assert names["mean"] == pytest.approx(expected, rel=1e-12)
    composite = names["composite"].compute()  # type: ignore[attr-defined]  # an xarray.DataArray
    assert composite.shape == (100, 100)
    assert 0.7 < float(composite.median()) < 1
    exec(theirs.replace(SHOWN, demo_url), names)  # noqa: S102  # as above
    assert names["result"].value == pytest.approx(expected, rel=1e-12)  # type: ignore[attr-defined]  # of `wcps`
