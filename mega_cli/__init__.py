"""The mega client: everything that holds a key runs here, on the user's own device."""
