"""YAML 1.2 as people mean it: text to nodes with positions, within limits."""
