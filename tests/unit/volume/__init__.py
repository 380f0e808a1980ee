"""The services over one volume, on an in-memory server."""
