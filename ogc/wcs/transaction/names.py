"""Names of the transaction extension (OGC 13-057r1)."""

NAMESPACE = "http://www.opengis.net/wcs_service-extension_transaction/2.0"
OPERATIONS = ("InsertCoverage", "UpdateCoverage", "DeleteCoverage")
PROFILE = "http://www.opengis.net/spec/WCS_service-extension_transaction/2.0/conf/insert+delete"
CARRIED = ("coverage", "inputCoverage", "mask")
"""Elements, parameters and parts that hold a coverage; with `Ref` at the end, its address."""
