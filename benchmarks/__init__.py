"""What is measured, against whom, and the command."""
