"""Whether scores of a competition's data can be trusted: repeated rows, labels, order, shift."""
