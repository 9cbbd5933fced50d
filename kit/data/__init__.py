"""A source becomes a competition's files in `data/`, with or without Kaggle."""
