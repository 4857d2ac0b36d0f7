"""The review page: manifest in, one HTML file out that opens from disk with no network."""
