"""The data before a model sees it."""
