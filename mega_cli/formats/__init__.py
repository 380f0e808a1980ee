"""Layouts: bytes to frozen types and back, strict and canonical, one module and one page of `docs/formats/` each.

A decoder takes what an encoder could have written and refuses all else. Nothing here does I/O or derives a key by hand.
"""
