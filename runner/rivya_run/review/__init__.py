"""The page of a storyboard served on this machine: it follows its files, and what is decided on it is written."""
