"""Names, remote paths and exclusion rules: untrusted text becomes safe here, once. Pure."""
