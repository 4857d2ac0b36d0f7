"""What files really are: types by signature, measured facts, completeness, frames, checks."""
