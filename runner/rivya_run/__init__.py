"""Turns a version-controlled YAML shot list into finished clips; see ARCHITECTURE.md for the rooms."""

__version__ = "0.1.0"
