"""The storyboard language: from nodes to shots, with every problem said at once."""
