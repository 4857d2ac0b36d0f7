"""Everything that goes over the network: the API's client, downloads, the retry decision, the key's confinement."""
