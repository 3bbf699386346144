"""The application of xpublish-tiles, made in its own environment, which lacks what is ours."""

import os
from importlib import import_module
from typing import Any


def create() -> Any:  # noqa: ANN401  # FastAPI is not installed where this is checked
    """Return an application that serves the pyramid that the environment names."""
    xarray: Any = import_module("xarray")
    multiscale: Any = import_module("xpublish_tiles.multiscale")
    plugin: Any = import_module("xpublish_tiles.xpublish.tiles.plugin")
    xarray.set_options(keep_attrs=True)
    tree = xarray.open_datatree(os.environ["XPUBLISH_ZARR"], engine="zarr", chunks=None)
    tree.attrs["_xpublish_id"] = "rgb"
    multiscale.assign_leaf_xpublish_ids(tree)
    rest: Any = import_module("xpublish").SingleDatasetRest
    return rest(tree, plugins={"tiles": plugin.TilesPlugin()}).app
