"""The page of a link in a real Chromium, before a real server."""
