"""x."""


def fit(fold): ...
