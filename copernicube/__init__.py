"""What Jupyter users import, and the composition root of the service.

::

    import copernicube
    catalogue = copernicube.open("my-store")
"""

from typing import TYPE_CHECKING, Any

import datacube

if not getattr(datacube, "__copernicube__", False):
    raise ImportError(
        f"Copernicube needs its own package 'datacube', but {datacube.__file__} was imported, "
        "which belongs to another distribution (Open Data Cube has the same name). "
        "Install Copernicube into an environment without it."
    )

if TYPE_CHECKING:
    from copernicube.client import Catalogue, CubeView, Expression, stack, where
    from copernicube.client import open_catalogue as open  # noqa: A004 users write copernicube.open

__all__ = ["Catalogue", "CubeView", "Expression", "open", "stack", "where"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 PEP 562
    """Import the client when it is first used, so that the command line starts without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from copernicube import client  # noqa: PLC0415 on demand

    return getattr(client, "open_catalogue" if name == "open" else name)
