"""Short clips of music, made here from sines and noise: for the demonstration and the tests.

Every clip is a function of its length and rate alone, full-band, stereo, and dedicated to the
public domain (CC0 1.0). Run it to write them as FLAC files::

    python examples/synthesise.py FOLDER
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]
"""``(channels, samples)``."""
Mono = NDArray[np.float64]

CHORDS = ((45, 57, 60, 64), (41, 57, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62))
"""A minor, F, C, G as MIDI notes, the bass first."""


def note_hz(note: float) -> float:
    """Frequency of a MIDI note in Hz; 69 is 440 Hz."""
    return 440.0 * 2.0 ** ((note - 69) / 12)


def partials(freq_hz: float, seconds: float, rate: int, shape: Callable[[int], tuple[float, float]],
             *, stiffness: float = 0.0, vibrato: float = 0.0) -> Mono:  # fmt: skip
    """A tone as a sum of partials up to 0.95 of the Nyquist frequency.

    Args:
        freq_hz: Of the fundamental.
        seconds: Length.
        rate: Sample rate in Hz.
        shape: Partial number -> its amplitude and its decay per second.
        stiffness: Inharmonicity of a string; 0 for none, 4e-4 for a piano.
        vibrato: Depth as a part of the frequency.
    """
    time = np.arange(round(seconds * rate)) / rate
    phase = (
        2 * np.pi * freq_hz * (time + vibrato / (2 * np.pi * 5.5) * np.sin(2 * np.pi * 5.5 * time))
    )
    out = np.zeros_like(time)
    for number in range(1, int(0.475 * rate / freq_hz) + 1):
        stretch = number * np.sqrt(1 + stiffness * number**2)
        if stretch * freq_hz > 0.475 * rate:
            break
        gain, decay = shape(number)
        out += gain * np.exp(-decay * time) * np.sin(stretch * phase + 2.4 * number**2)
    return out


def noise(seconds: float, rate: int, seed: int, low_hz: float, decay: float) -> Mono:
    """Decaying noise above ``low_hz``."""
    time = np.arange(round(seconds * rate)) / rate
    white = np.random.default_rng(seed).standard_normal(time.size)
    spectrum = np.fft.rfft(white)
    freqs = np.fft.rfftfreq(time.size, 1 / rate)
    spectrum *= 1 / (1 + (low_hz / np.maximum(freqs, 1.0)) ** 4)
    return np.fft.irfft(spectrum, n=time.size) * np.exp(-decay * time)


def kick(rate: int) -> Mono:
    """A bass drum: a falling sine and a click."""
    time = np.arange(round(0.35 * rate)) / rate
    return np.sin(2 * np.pi * (48 * time + 9 * (1 - np.exp(-30 * time)))) * np.exp(
        -9 * time
    ) + 0.15 * noise(0.35, rate, 1, 3_000, 300)


def snare(rate: int) -> Mono:
    """A snare drum: two tones and wires."""
    time = np.arange(round(0.3 * rate)) / rate
    tones = np.sin(2 * np.pi * 185 * time) + 0.6 * np.sin(2 * np.pi * 330 * time)
    return 0.5 * tones * np.exp(-25 * time) + 0.5 * noise(0.3, rate, 2, 1_200, 18)


def hat(rate: int, *, is_open: bool) -> Mono:
    """A hi-hat, closed or open."""
    return 0.3 * noise(0.4, rate, 3, 7_000, 9 if is_open else 55)


def place(mix: NDArray[np.float64], sound: Mono, second: float, rate: int, pan: float) -> None:
    """Add a sound to a stereo mix; ``pan`` from 0 (left) to 1 (right)."""
    start = round(second * rate)
    piece = sound[: max(0, mix.shape[1] - start)]
    mix[0, start : start + piece.size] += np.cos(pan * np.pi / 2) * piece
    mix[1, start : start + piece.size] += np.sin(pan * np.pi / 2) * piece


def finish(mix: NDArray[np.float64], peak: float = 0.7) -> Waveform:
    """Scale to a peak and fade the ends, so that a clip begins and ends in silence."""
    ramp = np.minimum(1.0, np.arange(mix.shape[1]) / 400)
    mix = mix * ramp * ramp[::-1]
    return (mix * (peak / max(1e-9, float(np.abs(mix).max())))).astype(np.float32)


def drums(seconds: float = 6.0, rate: int = 44_100) -> Waveform:
    """A beat of bass drum, snare drum and hi-hat."""
    mix = np.zeros((2, round(seconds * rate)))
    sounds = (kick(rate), snare(rate), hat(rate, is_open=False), hat(rate, is_open=True))
    for step in range(int(seconds / 0.25)):
        when = 0.25 * step
        if step % 4 == 0 or step % 8 == 3:
            place(mix, sounds[0], when, rate, 0.5)
        if step % 4 == 2:
            place(mix, 0.8 * sounds[1], when, rate, 0.45)
        place(mix, (0.5 + 0.3 * (step % 2)) * sounds[3 if step % 8 == 7 else 2], when, rate, 0.7)
    return finish(mix)


def piano(seconds: float = 6.0, rate: int = 44_100) -> Waveform:
    """Broken chords on stiff strings, brighter when struck harder."""
    mix = np.zeros((2, round(seconds * rate)))
    for step in range(int(seconds / 0.3)):
        note = CHORDS[step // 4 % 4][step % 4] + 12 * (step % 3 == 2)
        force = 0.55 + 0.45 * (step % 4 == 0)
        hz = note_hz(note)

        def shape(n: int, force: float = force, hz: float = hz) -> tuple[float, float]:
            return np.exp(-n * hz / (900 + 2_600 * force)) / n**0.5, 0.8 + 0.25 * n + hz / 700

        tone = partials(hz, 2.5, rate, shape, stiffness=4e-4)
        tone[: round(0.06 * rate)] += 0.04 * force * noise(0.06, rate, step, 500, 70)
        place(mix, force * tone, 0.3 * step, rate, 0.3 + 0.4 * (note - 40) / 40)
    return finish(mix)


def strings(seconds: float = 6.0, rate: int = 44_100) -> Waveform:
    """Four bowed desks on slow chords, each a little out of tune with the next."""
    mix = np.zeros((2, round(seconds * rate)))
    attack = np.minimum(1.0, np.arange(round(2.0 * rate)) / (0.35 * rate))
    for bar in range(int(np.ceil(seconds / 2))):
        for desk, note in enumerate(CHORDS[bar % 4]):
            hz = note_hz(note + 12) * (1 + 0.0012 * (desk - 1.5))
            tone = partials(hz, 2.0, rate, lambda n: (n**-1.4, 0.0), vibrato=0.004) * attack
            tone += 0.015 * noise(2.0, rate, 10 * bar + desk, 2_500, 0.0) * attack
            place(mix, tone, 2.0 * bar, rate, 0.15 + 0.23 * desk)
    return finish(mix)


def pop(seconds: float = 6.0, rate: int = 44_100) -> Waveform:
    """Drums, a bass and a bright chord on every beat, with a melody above."""
    mix = 0.9 * drums(seconds, rate).astype(np.float64)
    for beat in range(int(seconds / 0.5)):
        chord = CHORDS[beat // 4 % 4]
        bass = partials(note_hz(chord[0] - 12), 0.5, rate, lambda n: (0.5 / n, 4.0 + n))
        place(mix, 0.5 * bass, 0.5 * beat, rate, 0.5)
        for side, note in zip((0.1, 0.5, 0.9), chord[1:], strict=True):
            tone = partials(note_hz(note), 0.45, rate, lambda n: (0.3 / n, 6.0))
            place(mix, 0.3 * tone, 0.5 * beat, rate, side)
        lead = chord[1 + beat % 3] + 12
        tone = partials(
            note_hz(lead), 0.48, rate, lambda n: (0.4 * (n % 2) / n, 3.0), vibrato=0.003
        )
        place(mix, 0.35 * tone, 0.5 * beat, rate, 0.6)
    return finish(mix)


CLIPS = {"pop": pop, "piano": piano, "drums": drums, "strings": strings}
"""Every clip by name."""


def main() -> None:
    """Write the clips into the folder named on the command line."""
    import soundfile

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    for name, clip in CLIPS.items():
        soundfile.write(folder / f"{name}.flac", clip().T, 44_100, subtype="PCM_16")
        print(folder / f"{name}.flac")


if __name__ == "__main__":
    main()
