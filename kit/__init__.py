"""kit takes a Kaggle task from download to rank."""

__version__ = "0.1.0"
