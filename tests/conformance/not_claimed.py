"""Requirements that the services do not claim, and why."""

from types import MappingProxyType

NOT_CLAIMED = MappingProxyType(
    {
        "wms13:dims:missing-dimension": "every dimension here has a default",
        "wms13:getfeatureinfo:not-queryable": "every layer here is queryable",
        "wms13:getcapabilities:crs-auto2-declarations": "no AUTO2 CRS is offered",
        "wms13:getmap:bbox-below-above-scale": "no layer has scale limits",
        "wcs20:interpolation:quadratic": "the method is not offered",
        "wcs20:interpolation:lost-area": "the method is not offered",
        "wcs20:interpolation:barycentric": "the method is not offered",
        "edr10:locations": "cubes have no named locations",
        "edr10:items": "cubes have no items",
    }
)
