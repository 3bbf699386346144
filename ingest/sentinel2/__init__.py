"""Sentinel-2 L1C and L2A: SAFE products and STAC items."""

from ingest.sentinel2.reader import Sentinel2Reader

__all__ = ["Sentinel2Reader"]
