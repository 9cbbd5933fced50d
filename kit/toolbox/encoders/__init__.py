"""Pretrained encoders: found by a handle, imported from the files of others, written as models."""
