"""Keys, seals and signatures: the only package that imports `nacl`, owns the labels, and draws randomness.

It never reads a file, a clock or a socket, and never decides what is sealed. It relies on `docs/formats/README.md` for
the conventions.
"""
