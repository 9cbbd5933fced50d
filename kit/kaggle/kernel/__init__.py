"""Training on Kaggle: the same files as here, in one notebook that is built, rehearsed, pushed, followed and pulled."""
