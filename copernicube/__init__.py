"""What Jupyter users import, and the composition root of the service."""

import datacube

if not getattr(datacube, "__copernicube__", False):
    raise ImportError(
        f"Copernicube needs its own package 'datacube', but {datacube.__file__} was imported, "
        "which belongs to another distribution (Open Data Cube has the same name). "
        "Install Copernicube into an environment without it."
    )
