"""Kaggle on loopback."""
