"""A package, so that `tests.builders` is ours: a dependency installs a package `tests` of its own."""
