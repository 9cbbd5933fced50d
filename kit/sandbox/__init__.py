"""Walls around the code of strangers: a kernel's notebook runs here, with its time, disk and memory watched."""
