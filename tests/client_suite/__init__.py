"""The official client's own suites, run against the emulator: `python -m tests.client_suite`."""
