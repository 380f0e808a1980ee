"""The mega server: it stores opaque blobs, swaps signed records, and never holds a key."""
