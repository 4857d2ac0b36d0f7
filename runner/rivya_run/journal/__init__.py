"""What happened: events, the state of an attempt, the fold, the manifest."""
