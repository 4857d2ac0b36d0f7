"""Rivya Public API v1."""
