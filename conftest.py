"""Makes the shared fixtures known to the tests of every app."""

pytest_plugins = ["tests.fixtures", "tests.portal"]
