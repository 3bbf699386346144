"""The conformance classes of OGC API Coverages and Processes that are met."""

_DRAFT = "http://www.opengis.net/spec/ogcapi-coverages-1/0.0/conf"
"""Draft 19-087, version 0.0.6: what our parameters follow."""
_EARLIER = "http://www.opengis.net/spec/ogcapi-coverages-1/1.0/conf"
"""Earlier texts of the draft, by which clients know a coverage."""
COVERAGE_CLASSES = (
    *(
        f"{_DRAFT}/{name}"
        for name in ("core", "scaling", "subsetting", "fieldselection", "crs", "geotiff", "netcdf")
    ),
    *(
        f"{_EARLIER}/{name}"
        for name in (
            "core",
            "oas30",
            "geodata-coverage",
            "coverage-subset",
            "coverage-rangesubset",
            "coverage-bbox",
            "coverage-datetime",
            "coverage-scaling",
        )
    ),
)
_PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf"
PROCESS_CLASSES = tuple(
    f"{_PROCESSES}/{name}"
    for name in ("core", "ogc-process-description", "json", "html", "oas30", "job-list")
)
