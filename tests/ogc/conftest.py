"""Fixtures of the services' tests."""

import os
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlparse

import pytest
from hypothesis import settings
from lxml import etree

from tests.conftest import REPOSITORY
from tests.ogc.fakes import Client

# A machine that is busy with other tests answers late, not wrongly.
settings.register_profile("services", deadline=None)
settings.load_profile("services")

_RGRID = b"""<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:r="http://www.opengis.net/gml/3.3/rgrid" targetNamespace="http://www.opengis.net/gml/3.3/rgrid"
 elementFormDefault="qualified">
 <import namespace="http://www.opengis.net/gml/3.2"
  schemaLocation="http://schemas.opengis.net/gml/3.2.1/gml.xsd"/>
 <element name="ReferenceableGridByVectors" substitutionGroup="gml:AbstractGeometry">
  <complexType><complexContent><extension base="gml:GridType"><sequence>
   <element name="origin" type="gml:PointPropertyType"/>
   <element name="generalGridAxis" maxOccurs="unbounded"><complexType><sequence>
    <element name="GeneralGridAxis"><complexType><sequence>
     <element name="offsetVector" type="gml:VectorType"/>
     <element name="coefficients" type="string"/>
     <element name="gridAxesSpanned" type="string"/>
     <element name="sequenceRule" type="gml:SequenceRuleType"/>
    </sequence></complexType></element>
   </sequence></complexType></element>
  </sequence></extension></complexContent></complexType>
 </element>
</schema>"""
"""GML 3.3 grids as the standard has them, but for coefficients, which OWSLib wants as text."""
_SENSOR_ML = b"""<schema xmlns="http://www.w3.org/2001/XMLSchema"
 targetNamespace="http://www.opengis.net/sensorml/2.0">
 <complexType name="AbstractProcessPropertyType"/></schema>"""
"""All that CIS 1.1 names of SensorML, which no coverage here has."""
_PHENOMENON = b"""<schema xmlns="http://www.w3.org/2001/XMLSchema"
 targetNamespace="http://www.opengis.net/swe/1.0">
 <complexType name="PhenomenonPropertyType"/></schema>"""
"""All that metadata of observations name of SWE 1.0, whose schema libxml2 cannot load."""


@pytest.fixture
def client() -> Client:
    """Return the services over a session without an engine."""
    return Client()


_INSPIRE_LOCATION = (
    "http://inspire.ec.europa.eu/schemas/inspire_vs/1.0",
    "http://inspire.ec.europa.eu/schemas/inspire_vs/1.0/inspire_vs.xsd",
)
_COMMON_LOCATION = (
    "http://inspire.ec.europa.eu/schemas/common/1.0",
    "http://inspire.ec.europa.eu/schemas/common/1.0/common.xsd",
)
_INSPIRE = """<schema xmlns="http://www.w3.org/2001/XMLSchema"
 targetNamespace="http://inspire.ec.europa.eu/schemas/inspire_vs/1.0"
 xmlns:wms="http://www.opengis.net/wms">
<import namespace="http://www.opengis.net/wms"
 schemaLocation="http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd"/>
<import namespace="http://inspire.ec.europa.eu/schemas/common/1.0"
 schemaLocation="http://inspire.ec.europa.eu/schemas/common/1.0/common.xsd"/>
<element name="ExtendedCapabilities" substitutionGroup="wms:_ExtendedCapabilities"/></schema>"""
"""What WMS needs to know of INSPIRE's extension: that it is one."""
_INSPIRE_TYPES = "".join(
    f'<complexType name="{name}"><complexContent><extension base="anyType"/>'
    "</complexContent></complexType>"
    for name in (
        "citationInspireInteroperabilityRegulation_eng",
        "classificationOfSpatialDataService",
    )
)
_INSPIRE_COMMON = f"""<schema xmlns="http://www.w3.org/2001/XMLSchema"
 targetNamespace="http://inspire.ec.europa.eu/schemas/common/1.0">{_INSPIRE_TYPES}</schema>"""


class OfflineResolver(etree.Resolver):
    """Finds published schemas in a folder and never in a network."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.hosts = {
            "schemas.opengis.net": folder / "ogc",
            "www.isotc211.org": folder / "isotc211",
            "www.w3.org": folder / "w3c",
        }

    # lxml hands over a context that its stubs do not know, and so for the two methods below.
    def resolve(self, system_url: str, public_id: str, context: object = None) -> Any:  # noqa: ANN401 lxml's own
        """Return the stored document of a remote address."""
        del public_id
        url, base = urlparse(system_url), cast("Any", super())
        if url.scheme not in {"http", "https"}:
            return None
        if system_url.endswith("/rgrid.xsd"):
            return base.resolve_string(_RGRID, context)
        if system_url.endswith("/sensorML.xsd"):
            return base.resolve_string(_SENSOR_ML, context)
        if system_url.endswith("/sweCommon/1.0.0/phenomenon.xsd"):
            return base.resolve_string(_PHENOMENON, context)
        if system_url.endswith("/inspire_vs.xsd"):
            return base.resolve_string(_INSPIRE, context)
        if system_url.endswith("/common/1.0/common.xsd"):
            return base.resolve_string(_INSPIRE_COMMON, context)
        path = self.hosts[url.netloc] / url.path.lstrip("/")
        return base.resolve_filename(str(path), context)


class Schemas:
    """Published schemas, each loaded once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loaded: dict[tuple[str, ...], etree.XMLSchema] = {}

    def check(self, body: bytes, *locations: tuple[str, str]) -> None:
        """Fail unless a document is valid; locations are `(namespace, address)`."""
        if any(namespace == "http://www.opengis.net/wms" for namespace, _ in locations):
            locations = (*locations, _INSPIRE_LOCATION)
        if any("/wcs/" in namespace for namespace, _ in locations):
            locations = (*locations, _COMMON_LOCATION)
        key = tuple(address for _, address in locations)
        if key not in self._loaded:
            imports = "".join(
                f'<import namespace="{namespace}" schemaLocation="{address}"/>'
                for namespace, address in locations
            )
            parser = etree.XMLParser(no_network=True)
            parser.resolvers.add(OfflineResolver(self.folder))
            root = etree.fromstring(
                f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{imports}</schema>', parser
            )
            self._loaded[key] = etree.XMLSchema(root)
        self._loaded[key].assertValid(etree.fromstring(body))


@pytest.fixture(scope="session")
def schemas() -> Schemas:
    """Return the published schemas beside the repository; skip where they are absent.

    `COPERNICUBE_SCHEMAS` names their folder, else it is `../shared/schemas`.
    """
    beside = REPOSITORY.parent / "shared" / "schemas"
    folder = Path(os.environ.get("COPERNICUBE_SCHEMAS", beside)).resolve()
    if not folder.is_dir():
        pytest.skip(f"needs the OGC's schemas, and {folder} is no folder: set COPERNICUBE_SCHEMAS")
    return Schemas(folder)
