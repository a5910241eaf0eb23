"""Readers of the image sets; nothing that they read is ever written into the project."""
