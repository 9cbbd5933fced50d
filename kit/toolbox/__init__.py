"""What recipes are made of: networks, images, sounds, texts, tables, novelty."""
