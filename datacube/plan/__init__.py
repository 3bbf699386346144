"""The query algebra: what is asked (`query`), what it means (`nodes`), and the way between.

`bind` resolves names, CRSs, axes and types; `rules` rewrite a bound plan without
changing a value; `cost` says what it will take before anything is read.
"""
