"""The parameter tables: what each model takes, and what that says of a value."""
