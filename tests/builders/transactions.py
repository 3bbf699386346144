"""Requests of the transaction extension of WCS."""

from ogc.wcs.transaction.names import NAMESPACE

HEAD = f'xmlns="{NAMESPACE}" service="WCS" version="2.0.1"'
GML = """<gmlcov:RectifiedGridCoverage gml:id="{name}" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:gmlcov="http://www.opengis.net/gmlcov/1.0" xmlns:swe="http://www.opengis.net/swe/2.0">
 <gml:domainSet><gml:RectifiedGrid gml:id="g" dimension="2"
  srsName="http://www.opengis.net/def/crs/EPSG/0/32633">
 <gml:limits><gml:GridEnvelope><gml:low>0 0</gml:low><gml:high>2 1</gml:high></gml:GridEnvelope>
 </gml:limits><gml:axisLabels>E N</gml:axisLabels>
 <gml:origin><gml:Point gml:id="p"><gml:pos>500005 5400005</gml:pos></gml:Point></gml:origin>
 <gml:offsetVector>10 0</gml:offsetVector><gml:offsetVector>0 -10</gml:offsetVector>
 </gml:RectifiedGrid></gml:domainSet>
 <gml:rangeSet><gml:DataBlock><gml:rangeParameters/><gml:tupleList>{cells}</gml:tupleList>
 </gml:DataBlock></gml:rangeSet>
 <gmlcov:rangeType><swe:DataRecord><swe:field name="v"><swe:Quantity
  definition="http://www.opengis.net/def/dataType/OGC/0/signedShort"/></swe:field>
 </swe:DataRecord></gmlcov:rangeType></gmlcov:RectifiedGridCoverage>"""
"""Cells of the band `v`, 3 a row, by name and list."""
