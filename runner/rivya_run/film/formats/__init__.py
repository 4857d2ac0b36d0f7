"""Timelines for editing programs, one module a format."""
