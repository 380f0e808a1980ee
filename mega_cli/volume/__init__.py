"""Services over one volume: its session, its tree of pages, upload, download and commit."""
