"""A run: many takes, each from plan to file."""
