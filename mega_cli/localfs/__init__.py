"""The local disk: scan folders, read sources, publish files. The only floor that opens the user's files."""
