"""One page about runs: self-contained HTML with pictures drawn as SVG, and not a request to anywhere."""
