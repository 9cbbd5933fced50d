"""From runs to a decision."""
