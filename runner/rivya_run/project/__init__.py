"""A storyboard with its output folder."""
