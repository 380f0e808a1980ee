"""What tests share: factories, fakes, constructions. Nothing here asserts."""
