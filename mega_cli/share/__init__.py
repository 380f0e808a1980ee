"""Links: make, list, change and end them; keep live ones in step with the tree; visit those of others."""
