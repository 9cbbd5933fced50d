"""A run's models on new rows, files and recordings."""
