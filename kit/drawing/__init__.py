"""How rows, classes, runs and sweeps look on paper."""
