"""What Jupyter users get: cubes of a store or of a server as lazy xarray Datasets."""

from copernicube.client.catalogue import Catalogue
from copernicube.client.cube import CubeView
from copernicube.client.opening import open_catalogue

__all__ = ["Catalogue", "CubeView", "open_catalogue"]
