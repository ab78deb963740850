"""Measures of restored sound, one definition each; see docs/metrics.md."""
