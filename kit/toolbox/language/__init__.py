"""Models of texts: which token comes next, how many bits a text takes, and texts that a model writes."""
