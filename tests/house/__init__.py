"""Tests of the house: floors, documents, claims."""
