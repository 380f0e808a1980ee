"""A clear error, nothing lost: power cuts, failing and killed calls, bad disks, dying servers, many clients."""
