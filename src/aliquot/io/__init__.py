"""Files in and out: the only modules that know formats and paths."""
