"""GetFeatureInfo in styles over time, against NumPy by hand."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import yaml
from lxml import etree

from copernicube.cli import commands
from ogc.service import dispatch
from tests.builders.made import Made, add_examples, make_store
from tests.ogc.fakes import SITE
from tests.ogc.wms.conftest import body_of

BASE = (
    "request=GetFeatureInfo&version=1.3.0&crs=CRS:84&layers=T&query_layers=T"
    "&bbox=0,0,30,30&width=60&height=60&i=11&j=7"
)
ROW, COLUMN = 7, 11
STYLES = [
    {"name": f"of-{time}", "band": "b8", "time": time, "stretch": {"low": 0, "high": 10000}}
    for time in ("mean", "median", "newest", "difference")
]


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("over-time")
    made = add_examples(make_store(folder))
    path = folder / "styles.yaml"
    path.write_text(yaml.safe_dump({"styles": STYLES}))
    store = str(made.local.store.location.name)
    commands.main(["styles", "add", str(path), "--store", store], standalone_mode=False)
    yield made
    made.local.catalog.close()


def answer(styled: Made, query: str) -> bytes:
    return body_of(dispatch(f"{BASE}&{query}", styled.local.engine.session, SITE))


@pytest.mark.parametrize(
    ("style", "wanted"),
    [
        ("of-mean", lambda series: series.mean()),
        ("of-median", np.median),
        ("of-newest", lambda series: series[-1]),
        ("of-difference", lambda series: series[-1] - series[0]),
    ],
)
def test_what_the_map_shows_is_told(styled: Made, style: str, wanted: object) -> None:
    """At the top stands what the map shows; in the series what each acquisition gives to it."""
    times = [a.reference.year for a in styled.coverage("T").acquisitions]
    series = styled.arrays["T"]["b8"][np.array(times) == 2020, ROW, COLUMN].astype(float)
    assert callable(wanted)
    found = json.loads(answer(styled, f"styles={style}&time=2020&info_format=application/json"))
    (feature,) = found["features"]
    assert feature["properties"]["shown"] == pytest.approx(wanted(series))
    assert [one["shown"] for one in feature["properties"]["series"]] == series.tolist()


def test_one_date_is_its_own_mean(styled: Made) -> None:
    query = "styles=of-mean&time=2020-02-01&info_format=application/json"
    (feature,) = json.loads(answer(styled, query))["features"]
    assert feature["properties"]["shown"] == feature["properties"]["b8"]


@pytest.mark.parametrize("media", ["text/plain", "text/html", "text/xml"])
def test_every_format_tells_it(styled: Made, media: str) -> None:
    """Of the series only the newest acquisition, which goes first, has it beside its own."""
    body = answer(styled, f"styles=of-median&time=2020&info_format={media}").decode()
    assert body.count("shown_median") == (2 if media == "text/xml" else 1)
    if media == "text/xml":
        members = etree.fromstring(body.encode()).findall("{*}featureMember")
        assert members[0].find(".//{*}shown_median") is not None
