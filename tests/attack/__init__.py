"""Attacks: inputs made to break a door of kit, and a kill at every step that writes."""
