"""What a query will do and what it will cost, told without reading a cell."""
