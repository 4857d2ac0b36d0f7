"""A video API, and the HTTP below it."""
