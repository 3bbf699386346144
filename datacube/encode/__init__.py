"""Encoders: cells of a bound plan to the bytes of a file."""
