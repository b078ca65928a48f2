"""Measurements, each a module that prints one table; ``make bench`` runs them all."""
