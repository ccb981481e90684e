"""Settings for pytest runs from the repository's root, the shipped specs among them."""

pytest_plugins = ["pytester"]
