"""A run: from storyboard files to results, many takes at once, each from plan to file."""
