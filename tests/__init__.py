"""The tests of mega: what each folder holds stands in its own first lines."""
