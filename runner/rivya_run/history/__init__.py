"""What happened, folded: attempts, keys and fingerprints, prices, and the manifest that is derived from them."""
