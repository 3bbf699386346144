"""The engine: cubes, plans and their evaluation; knows no service protocol and no mission."""

from typing import Final

__copernicube__: Final = True
"""Tells this package from Open Data Cube's, which has the same name; whoever imports it checks."""
