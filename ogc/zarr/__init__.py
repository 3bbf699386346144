"""Immutable Zarr views of coverages: cut to area and time, pinned to a revision."""
