"""The published attacks, played against the real client and the real server (`docs/threat-model.md`)."""
