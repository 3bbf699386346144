"""Bound plans to cells, block by block."""
