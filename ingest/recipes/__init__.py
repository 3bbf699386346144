"""Any gridded files as one coverage, as a recipe says."""
