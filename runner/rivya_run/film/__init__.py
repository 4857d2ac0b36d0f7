"""What is made of clips."""
