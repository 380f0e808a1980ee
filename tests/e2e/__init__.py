"""Whole journeys: a live server and real `mega` processes."""
