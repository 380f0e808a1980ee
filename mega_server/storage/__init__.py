"""Where packs are kept: the `BlobStore` protocol and its members."""
