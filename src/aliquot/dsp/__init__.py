"""Signal processing: arrays in, arrays out; never a path."""
