"""What rows are: a selection is a view of one store, and a batch is a copy."""
