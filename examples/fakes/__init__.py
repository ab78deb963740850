"""Servers that answer as the interfaces of the music sources are documented to do."""
