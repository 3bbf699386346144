"""What CoverageJSON (OGC 21-069r2) asks of a document, checked by its rules."""

from math import prod
from typing import Any

TYPES = {
    "Grid": ({"x", "y"}, {"z", "t"}),
    "Point": ({"x", "y"}, {"z", "t"}),
    "PointSeries": ({"x", "y", "t"}, {"z"}),
    "VerticalProfile": ({"x", "y", "z"}, {"t"}),
    "Trajectory": ({"composite"}, {"z"}),
}
"""Axes that a domain type must and may have (table in clause 9.11)."""


def check(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Check a document and return its coverages, each with parameters and referencing."""
    if document["type"] == "Coverage":
        found = [document]
    else:
        assert document["type"] == "CoverageCollection"
        shared = {"parameters": document["parameters"]}
        found = [
            shared | one | {"domain": one["domain"] | {"referencing": document["referencing"]}}
            for one in document["coverages"]
        ]
    for one in found:
        _check_coverage(one)
    return found


def sizes(domain: dict[str, Any]) -> dict[str, int]:
    """Return the number of places on each axis."""
    return {
        name: len(axis["values"]) if "values" in axis else axis["num"]
        for name, axis in domain["axes"].items()
    }


def _check_coverage(one: dict[str, Any]) -> None:
    domain = one["domain"]
    assert (one["type"], domain["type"]) == ("Coverage", "Domain")
    counts = sizes(domain)
    needed, further = TYPES[domain["domainType"]]
    assert needed <= set(counts) <= needed | further
    single = {"Grid": set(), "Trajectory": {"z"}}.get(domain["domainType"], {"x", "y"})
    assert all(counts[name] == 1 for name in single & set(counts))
    referenced = {name for system in domain["referencing"] for name in system["coordinates"]}
    named = set(counts) - {"composite"}
    for axis in domain["axes"].values():
        if "coordinates" in axis:
            named |= set(axis["coordinates"])
            assert axis["dataType"] == "tuple"
            assert {len(place) for place in axis["values"]} == {len(axis["coordinates"])}
    assert referenced == named
    assert set(one["ranges"]) == set(one["parameters"])
    for values in one["ranges"].values():
        assert values["type"] == "NdArray"
        assert values["dataType"] in {"integer", "float"}
        assert len(values["values"]) == prod(values["shape"])
        assert values["shape"] == [counts[name] for name in values["axisNames"]]
    for parameter in one["parameters"].values():
        assert parameter["type"] == "Parameter"
        assert parameter["observedProperty"]["label"]["en"]
