"""A package, so that `tests.builders` is ours: a dependency installs `tests` of its own."""
