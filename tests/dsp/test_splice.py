import numpy as np

from aliquot.dsp.splice import fade_in, guard_hz


def test_the_fade_begins_in_the_middle_of_the_guard_and_ends_before_the_cutoff() -> None:
    assert guard_hz(8_000.0) == 800.0
    freqs = np.array([7_200.0, 7_600.0, 7_700.0, 7_800.0, 8_000.0, 20_000.0])
    np.testing.assert_allclose(fade_in(freqs, 8_000.0), [0, 0, 0.5, 1, 1, 1], atol=1e-6)
