"""A stand-in for Rivya on loopback: a server with its own state that knows nothing of the client.

It shares the parameter tables, the table of media types and the letters, none of which says how the API is used.

``hosting.HostedSimulator`` runs in a thread of this process; ``rivya-run simulator`` serves in the foreground.
"""
