import numpy as np
import pytest

from aliquot.audio import Waveform
from aliquot.degrade.chain import (
    HELD_OUT,
    TRAINED_FAMILIES,
    DegradationRange,
    degrade,
    draw,
    draw_chain,
    response,
)
from aliquot.degrade.lowpass import (
    FAMILIES,
    Lowpass,
    decimated,
    lost_at,
    lowpass,
    placed,
    power_response,
)
from aliquot.degrade.truth import true_cutoff_hz
from aliquot.errors import ConfigError

RATE = 44_100


@pytest.fixture(scope="module")
def noise() -> Waveform:
    return (0.1 * np.random.default_rng(0).standard_normal((2, 65_536))).astype(np.float32)


def power_db(samples: Waveform, low_hz: float, high_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.shape[1]), axis=1)) ** 2
    freqs = np.fft.rfftfreq(samples.shape[1], 1 / RATE)
    inside = (freqs >= low_hz) & (freqs < high_hz)
    return float(10 * np.log10(spectrum[:, inside].mean() + 1e-20))


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "subsample"])
def test_a_filter_keeps_what_is_far_below_and_removes_what_is_far_above(
    noise: Waveform, family: str
) -> None:
    out = lowpass(noise, RATE, Lowpass(family, 5_512.5, 8))
    assert out.shape == noise.shape
    assert out.dtype == np.float32
    assert power_db(out, 200, 2_500) == pytest.approx(power_db(noise, 200, 2_500), abs=0.6)
    assert power_db(out, 15_000, 21_000) < power_db(noise, 15_000, 21_000) - 25


@pytest.mark.parametrize(
    ("order", "expected_hz"), [(4, 5_000 * 99 ** (1 / 8)), (8, 5_000 * 99 ** (1 / 16))]
)
def test_the_true_cutoff_of_a_butterworth_is_where_its_formula_loses_20_db(
    noise: Waveform, order: int, expected_hz: float
) -> None:
    """|H|^2 = 1 / (1 + (f / fc)^2n) = 1/100; the digital filter warps frequencies by a tangent."""
    edge = np.tan(np.pi * 5_000 / RATE)
    warped_hz = RATE / np.pi * np.arctan(edge * expected_hz / 5_000)
    out = lowpass(noise, RATE, Lowpass("butterworth", 5_000, order))
    assert true_cutoff_hz(noise, out, RATE) == pytest.approx(warped_hz, rel=0.02)


@pytest.mark.parametrize("order", [2, 5, 12])
def test_a_cascade_is_equal_one_pole_stages(order: int) -> None:
    """|H|^2 = (1 + (t / t1)^2)^-n with t the warped frequency; half the power at the cut-off."""
    gain = power_response(Lowpass("cascade", 5_000, order), RATE, 1_025)
    course = np.tan(np.pi * np.arange(1_025) / 2_048)
    edge = np.tan(np.pi * 5_000 / RATE)
    expected = (1 + (course / edge) ** 2 * (2 ** (1 / order) - 1)) ** -order
    np.testing.assert_allclose(gain[:900], expected[:900], atol=2e-3)


def test_the_true_cutoff_of_a_brick_wall_lies_where_a_hundredth_of_the_window_is_left(
    noise: Waveform,
) -> None:
    out = lowpass(noise, RATE, Lowpass("brickwall", 8_000))
    assert true_cutoff_hz(noise, out, RATE) == pytest.approx(8_000 * 2 ** (1 / 24), rel=0.005)


def test_a_notch_is_no_cutoff(noise: Waveform) -> None:
    spectrum = np.fft.rfft(noise, axis=1)
    freqs = np.fft.rfftfreq(noise.shape[1], 1 / RATE)
    spectrum[:, (freqs > 6_000) & (freqs < 6_600)] = 0
    notched = np.fft.irfft(spectrum, n=noise.shape[1], axis=1).astype(np.float32)
    assert true_cutoff_hz(noise, notched, RATE) == RATE / 2
    assert true_cutoff_hz(noise, noise, RATE) == RATE / 2


def ended(noise: Waveform, end_hz: float, left_db: float) -> Waveform:
    """Noise that a codec of its own ended: above ``end_hz`` only ``left_db`` of it are left."""
    spectrum = np.fft.rfft(noise, axis=1)
    spectrum[:, np.fft.rfftfreq(noise.shape[1], 1 / RATE) > end_hz] *= 10 ** (left_db / 20)
    return np.fft.irfft(spectrum, n=noise.shape[1], axis=1).astype(np.float32)


def test_a_codec_s_noise_above_the_end_of_the_original_is_no_content(noise: Waveform) -> None:
    original = ended(ended(noise, 17_500, -35), 18_500, -50)
    cut = ended(original, 16_000, -200) + ended(noise, 0, -50)
    expected_hz = 16_000 * 2 ** (1 / 24)
    assert true_cutoff_hz(original, cut, RATE) == pytest.approx(expected_hz, rel=0.005)


def test_a_cut_above_the_end_of_the_original_takes_nothing_away(noise: Waveform) -> None:
    original = ended(noise, 15_000, -80)
    cut = lowpass(original, RATE, Lowpass("brickwall", 18_000))
    assert true_cutoff_hz(original, cut, RATE) == RATE / 2


def test_a_dark_original_has_not_ended_where_it_is_merely_quiet(noise: Waveform) -> None:
    """A slope of -24 dB per octave, cut off where it lies 72 dB below 1 kHz."""
    dark = lowpass(noise, RATE, Lowpass("butterworth", 1_000, 4))
    cut = lowpass(dark, RATE, Lowpass("brickwall", 8_000))
    expected_hz = 8_000 * 2 ** (1 / 24)
    assert true_cutoff_hz(dark, cut, RATE) == pytest.approx(expected_hz, rel=0.03)


def test_decimation_by_an_integer_is_the_founding_papers(noise: Waveform) -> None:
    """Chebyshev-I of order 8 with its edge at 0.8 of the new Nyquist frequency."""
    out = decimated(noise, RATE, 4)
    assert true_cutoff_hz(noise, out, RATE) == pytest.approx(0.87 * RATE / 8, rel=0.05)


@pytest.mark.parametrize("family", ["sinc", "soxr", "brickwall", "decimate", "subsample"])
def test_filters_without_delay_leave_a_slow_wave_in_its_place(family: str) -> None:
    wave = np.sin(2 * np.pi * 300 * np.arange(44_100) / RATE).astype(np.float32)[None]
    out = lowpass(wave, RATE, Lowpass(family, 5_512.5))
    np.testing.assert_allclose(out[:, 4_000:-4_000], wave[:, 4_000:-4_000], atol=0.03)


def test_subsampling_mirrors_what_lies_above_the_new_nyquist_frequency() -> None:
    """Every fourth sample: 7 kHz comes back at 11025 - 7000 Hz, as loud as it was."""
    wave = np.sin(2 * np.pi * 7_000 * np.arange(RATE) / RATE).astype(np.float32)[None]
    out = lowpass(wave, RATE, Lowpass("subsample", RATE / 8))
    spectrum = np.abs(np.fft.rfft(out[0])) / (RATE / 2)
    assert spectrum.argmax() == 11_025 - 7_000
    assert spectrum.max() == pytest.approx(1.0, abs=0.01)
    assert spectrum[5_600:].max() < 0.01


def test_draws_stay_in_their_limits_and_repeat_with_their_seed() -> None:
    limits = DegradationRange()
    drawn = [draw(np.random.default_rng(i), limits, RATE) for i in range(300)]
    again = [draw(np.random.default_rng(i), limits, RATE) for i in range(300)]
    assert drawn == again
    assert {spec.family for spec in drawn} == set(TRAINED_FAMILIES)
    assert all(5 <= spec.order <= 12 for spec in drawn)
    ends = np.array([lost_at(spec, RATE) for spec in drawn])
    assert (ends > 2_499).all()
    assert (ends < 18_001).all()
    assert np.median(np.log(ends)) == pytest.approx(np.log(6_708), abs=0.2)


@pytest.mark.parametrize("family", ["butterworth", "chebyshev1", "elliptic", "bessel", "cascade"])
@pytest.mark.parametrize("order", [2, 3, 8, 12])
@pytest.mark.parametrize("loss_db", [3.0, 20.0, 40.0])
def test_a_filter_is_placed_where_it_loses_so_much(family: str, order: int, loss_db: float) -> None:
    """Measured by what an impulse becomes, at a low and at a high cut-off."""
    for cutoff_hz in (RATE / 16, RATE / 4):
        spec = placed(Lowpass(family, cutoff_hz, order), RATE, loss_db)
        gain = power_response(spec, RATE, 1_025)[round(cutoff_hz / RATE * 2_048)]
        assert -10 * np.log10(gain) == pytest.approx(loss_db, abs=0.05)
        assert lost_at(spec, RATE, loss_db) == pytest.approx(cutoff_hz, rel=1e-6)


@pytest.mark.parametrize("steepness", [0.0, 0.5, 1.0])
def test_a_sinc_is_placed_as_near_as_its_whole_number_of_taps_allows(steepness: float) -> None:
    spec = placed(Lowpass("sinc", RATE / 8, steepness=steepness), RATE)
    gain = power_response(spec, RATE, 1_025)[256]
    assert -10 * np.log10(gain) == pytest.approx(20, abs=0.5)


def test_what_works_at_its_edge_alone_is_not_moved() -> None:
    for family in ("soxr", "brickwall", "decimate", "subsample"):
        spec = Lowpass(family, 5_000.0)
        assert placed(spec, RATE) == spec


def test_some_chains_end_in_a_wall_above_the_filter(noise: Waveform) -> None:
    limits = DegradationRange(("butterworth",), (4_000.0, 6_000.0), wall_share=0.5)
    chains = [draw_chain(np.random.default_rng(i), limits, RATE) for i in range(200)]
    walls = [chain for chain in chains if len(chain) == 2]
    assert len(walls) == pytest.approx(100, abs=25)
    assert {wall.family for _, wall in walls} == {"brickwall", "soxr"}
    lost = [power_response(first, RATE, 8_193) for first, _ in walls]
    at_walls = [
        -10 * np.log10(gain[round(wall.cutoff_hz / RATE * 16_384)])
        for gain, (_, wall) in zip(lost, walls, strict=True)
    ]
    assert 2.8 < min(at_walls) < 8
    assert 35 < max(at_walls) < 40.2
    ends = [min(wall.cutoff_hz, lost_at(first, RATE)) for first, wall in walls]
    assert all(3_999 < end < 6_001 for end in ends)  # the chain's, as it was drawn
    first, wall = Lowpass("butterworth", 5_000.0, 5), Lowpass("brickwall", 6_500.0)
    gain = response((first, wall), RATE, 1_025)
    alone = power_response(first, RATE, 1_025)
    np.testing.assert_allclose(gain[:295], alone[:295], rtol=0.02)
    assert (gain[310:] < 1e-4 * alone[310:] + 1e-12).all()
    spectrum = np.abs(np.fft.rfft(degrade(noise, RATE, (first, wall))[0]))
    edge = round(6_500 / RATE * noise.shape[1])
    assert spectrum[edge + 2_000 :].max() < 5e-3 * spectrum[edge - 2_000 : edge - 100].mean()


def test_what_is_kept_for_testing_is_never_drawn() -> None:
    limits = DegradationRange(families=(*TRAINED_FAMILIES, "cascade"), orders=(2, 12))
    drawn = [draw(np.random.default_rng(i), limits, RATE) for i in range(1_000)]
    for held in HELD_OUT:
        kind = [spec for spec in drawn if spec.family == held.family]
        assert all(spec.order > held.order for spec in kind), held
    for family, least in (("butterworth", 5), ("chebyshev1", 2), ("elliptic", 2), ("cascade", 2)):
        assert {spec.order for spec in drawn if spec.family == family} == set(range(least, 13))


def test_a_range_without_an_order_that_may_be_drawn_is_an_error() -> None:
    limits = DegradationRange(families=("butterworth",), orders=(2, 4))
    with pytest.raises(ConfigError, match="ends at 4, and butterworth of orders below 5"):
        draw(np.random.default_rng(0), limits, RATE)


def test_a_cutoff_at_nyquist_changes_nothing(noise: Waveform) -> None:
    assert degrade(noise, RATE, (Lowpass("sinc", 22_050.0),)) is noise


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"family": "boxcar"}, "boxcar.*butterworth"),
        ({"order": 1}, r"2\.\.12, got 1"),
        ({"steepness": 1.5}, "got 1.5"),
    ],
)
def test_impossible_filters_are_refused(fields: dict[str, object], message: str) -> None:
    given = {"family": "sinc", "cutoff_hz": 5_000.0, **fields}
    with pytest.raises(ConfigError, match=message):
        Lowpass(**given)  # type: ignore[arg-type]
