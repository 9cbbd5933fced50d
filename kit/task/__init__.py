"""What a competition is and declares."""
