"""Many recordings in one run: what becomes what, and carrying it out."""
