"""OGC API: pygeoapi's pages over the live catalogue, and our own route for coverages."""
