"""What goes on beside a command: today the embedded server of `mega quickstart`."""
