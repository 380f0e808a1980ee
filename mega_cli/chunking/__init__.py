"""Cut a file's bytes into chunks: feed bytes, never open files. Pure."""
