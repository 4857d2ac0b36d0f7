"""From a storyboard and history to a plan: reuse, parents, reasons, order, changes, polling."""
