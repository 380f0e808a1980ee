"""What one device keeps: the session, the pins, and two rebuildable stores; one file per purpose."""
