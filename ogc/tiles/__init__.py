"""Map tiles: what every tile service shares, and XYZ tiles with TileJSON."""
