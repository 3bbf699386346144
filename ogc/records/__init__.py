"""Metadata records of what is offered, and INSPIRE's part of capabilities."""
