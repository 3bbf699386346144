"""Benchmarks: what the product costs beside a named peer and beside the bare work."""
