"""Requirements that the services do not claim, and why."""

from types import MappingProxyType

NOT_CLAIMED = MappingProxyType(
    {
        "wms13:getcapabilities:updatesequence-ignored": "the document has an updateSequence",
        "wms13:getcapabilities:crs-auto2-declarations": "no AUTO2 CRS is offered",
        "wms13:getcapabilities:logourls": "no logo is advertised",
        "wms13:getcapabilities:dataurls": "no DataURL is advertised",
        "wms13:getcapabilities:featurelisturls": "no FeatureListURL is advertised",
        "wms13:getcapabilities:style-stylesheeturls": "no StyleSheetURL is advertised",
        "wms13:getcapabilities:style-styleurls": "no StyleURL is advertised",
        "wms13:time:time-missing-dim": "the suite leaves it out, and every time has a default",
        "wms13:getmap:bbox-inherited": "every layer has boxes of its own",
        "wms13:getmap:bbox-below-scale": "no layer has limits of scale",
        "wms13:getmap:bbox-above-scale": "no layer has limits of scale",
        "wms13:getmap:styles-inherited": "every layer has styles of its own",
        "wms13:getmap:transparent-opaque-layer": "no layer is opaque",
        "wms13:getfeatureinfo:query_layers-not-queryable": "every layer is queryable",
        "wms11:wmsops-getfeatureinfo-params-query_layers-not-queryable": "every layer is queryable",
        "wms11:wmsops-getcapabilities-params-updatesequence-none": (
            "the document has an updateSequence"
        ),
        "wcs20:interpolation:quadratic": "the method is not offered",
        "wcs20:interpolation:lost-area": "the method is not offered",
        "wcs20:interpolation:barycentric": "the method is not offered",
        "maps10:/req/html/content": "maps are pictures; pages of collections show them",
        "maps10:/req/svg/content": "cells are no vectors",
        "maps10:/req/jpegxl/content": "the format is not offered",
        "maps10:/req/projection/projections-resource": "CRSs are chosen by their codes",
        "maps10:/req/orientation/orientation-definition": "maps are drawn with north up",
        "edr10:/conf/locations": "cubes have no named locations",
        "edr10:/conf/items": "cubes have no items",
        "edr10:/conf/instances": "cubes have no instances",
    }
)
