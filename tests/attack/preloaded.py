"""Imported once by the process from which the kill matrix forks, so that no command has to import it again."""

from tests.attack import scenarios

scenarios.ready()
