"""Measurements, and the data for them; not part of the service."""
