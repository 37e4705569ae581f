"""Optimizers people really train with, on loss surfaces small enough to see."""
