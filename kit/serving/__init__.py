"""Predictions batch by batch: an inference server, and the gateway that asks it, by kaggle_evaluation's protocol."""
