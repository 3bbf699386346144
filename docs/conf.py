"""Configuration of the documentation: `make docs` builds it, and every warning is an error."""

project = "Copernicube"
copyright = "Copernicube developers; licensed under Apache-2.0"

extensions = ["myst_parser"]
exclude_patterns: list[str] = []
html_theme = "furo"
html_title = "Copernicube"

# Links to headings are checked too: `[text](page.md#heading)`.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
