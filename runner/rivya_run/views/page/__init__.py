"""The page of a storyboard's results."""
