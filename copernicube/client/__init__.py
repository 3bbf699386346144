"""What Jupyter users get: cubes of a store or of a server as lazy xarray Datasets, and queries."""

from copernicube.client.catalogue import Catalogue
from copernicube.client.cube import CubeView
from copernicube.client.expression import Expression, stack, where
from copernicube.client.opening import open_catalogue

__all__ = ["Catalogue", "CubeView", "Expression", "open_catalogue", "stack", "where"]
