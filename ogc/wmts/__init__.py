"""Web Map Tile Service 1.0.0 (OGC 07-057r7): KVP, XML, SOAP and addresses of resources."""
