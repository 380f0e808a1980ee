"""The wire contract between client and server: a leaf that imports only the standard library and msgspec.

`docs/protocol.md` is its prose. Both sides import it; it imports neither.
"""
