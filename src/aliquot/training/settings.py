"""Everything a training run depends on; stored beside its results."""

from dataclasses import dataclass, field

from aliquot.collect.manifest import TREBLE_HZ, WAVES_HZ
from aliquot.degrade.chain import TRAINED_FAMILIES, DegradationRange
from aliquot.models.audiounet import AudioUNetConfig
from aliquot.models.config import SpectralConfig
from aliquot.models.discriminators import DiscriminatorConfig
from aliquot.models.hetherly import HetherlyConfig
from aliquot.models.musicgan import MusicGanConfig


@dataclass(frozen=True, slots=True)
class DataSettings:
    """What examples are drawn from, and how.

    Attributes:
        music: Folder with ``manifest.csv``, as ``aliquot prepare`` writes it.
        split: Rows whose ``file`` begins with this are used.
        held_out: Text file of rows never trained on.
        least_bandwidth_hz: Some recording must reach this: below, there is no treble to learn.
        pieces: List of parts of the recordings, as ``aliquot prepare --pieces`` writes it: crops
            are drawn from these alone. Levels are still learned from whole recordings.
        cache: Folder for decoded 16-bit samples and what is measured of them.
        unpack: Whether recordings are decoded into the cache once. Else crops are decoded straight
            from the compressed files: 2 to 10 ms each, and no space.
        loss_frames: Frames of an example on which the loss is taken.
        chiptune_share: Largest share of draws from chiptune.
        mix_share: Share of examples that are sums of two pieces.
        dark_share: Share whose original is first darkened, so that little is to be added.
        mono_share: Share folded to mono.
        tilt_db: Largest random tilt of the original, in dB from 1 to 16 kHz.
        gain_db: Lowest and highest random gain.
        cutoff_jitter: Spread of the error put on the known cut-off, relative to it.
        told_share: Share of examples whose cut-off is known, as if the user had given it; those of
            the others are read by the detector.
        moment_share: Share of examples of whose recording nothing but the example itself is known,
            as if it were a short one.
        unknown_share: Share of examples of whose recording nothing is known, as in a stream.
        floor_share: Share of degraded examples that lie on a floor of white noise, as dither or
            tape hiss.
        floor_db: Lowest and highest level of such floors, in dB of full scale.
    """

    music: str = "../shared/music"
    split: str = "train/"
    held_out: str = "settings/dev-split.txt"
    least_bandwidth_hz: float = TREBLE_HZ
    pieces: str = ""
    cache: str = "runs/cache"
    unpack: bool = True
    loss_frames: int = 72
    chiptune_share: float = 0.15
    mix_share: float = 0.15
    dark_share: float = 0.03
    mono_share: float = 0.1
    tilt_db: float = 2.5
    gain_db: tuple[float, ...] = (-30.0, 6.0)
    cutoff_jitter: float = 0.01
    told_share: float = 0.25
    moment_share: float = 0.0
    unknown_share: float = 0.05
    floor_share: float = 0.7
    floor_db: tuple[float, ...] = (-165.0, -60.0)


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """The first stage: levels are learned from band powers; see :mod:`aliquot.training.bands`.

    Attributes:
        steps: 0 leaves the stage out.
        learning_rate: Of the constant phase.
        batch: Examples of a step.
        loss_frames: Frames of an example on which the loss is taken.
        speeds: Pieces are heard this many times as fast, each equally often.
        mix_share: Share of examples that are sums of two pieces.
        tilt_db: Largest random tilt, up or down, in dB from 1 to 16 kHz.
        eq_db: Spread of a random curve's knots, which lie 1.4 octaves apart.
        codecs: Lossy codecs, of which each piece goes through one.
        coded_share: Share of examples whose given band is that of the coded piece.
    """

    steps: int = 0
    learning_rate: float = 2e-3
    batch: int = 24
    loss_frames: int = 150
    speeds: tuple[float, ...] = (0.8, 1.0, 1.26)
    mix_share: float = 0.4
    tilt_db: float = 4.0
    eq_db: float = 2.0
    codecs: tuple[str, ...] = ("mp3-64", "mp3-96", "mp3-128", "vorbis-q0")
    coded_share: float = 0.0


@dataclass(frozen=True, slots=True)
class WaveSettings:
    """Examples of the waveform methods; see :mod:`aliquot.training.waves`.

    Attributes:
        samples: Length of an example.
        sample_rate: At which networks work, in Hz; pieces of other rates are resampled.
        families: Filters by which examples lose their treble, of the orders in ``degrade``;
            ``decimate`` is the papers', ``subsample`` none at all. Their edge is that of the
            factor. The codecs of ``degrade`` may come before.
        least_bandwidth_hz: Pieces that reach less far are left out.
    """

    samples: int = 16_384
    sample_rate: int = 48_000
    families: tuple[str, ...] = (*TRAINED_FAMILIES, "decimate")
    least_bandwidth_hz: float = WAVES_HZ


@dataclass(frozen=True, slots=True)
class LossSettings:
    """Weights of the loss terms; see :mod:`aliquot.training.losses`.

    Attributes:
        spectrum: Small, because its squares are ruled by moments that a codec has emptied, which
            pull all levels down.
        level_bias: Weight of ``bias`` while levels are learned from band powers.
        side: Weight of the side signal beside 1 for the middle.
        ear: Weight of the left and of the right signal's envelope beside 1 for the middle's.
        typical_weight: Weight between a file's typical and its highest bandwidth, where a codec
            has emptied most moments: with more, the model learns the holes.
        frame_stride: The loss is taken on each n-th frame; neighbours overlap by three quarters.
    """

    spectrum: float = 0.25
    envelope: float = 2.0
    bias: float = 0.7
    level_bias: float = 0.5
    texture: float = 0.5
    prior: float = 0.1
    side: float = 0.4
    ear: float = 0.25
    typical_weight: float = 0.02
    frame_stride: int = 3


MATRICES = ("adamw", "muon")


@dataclass(frozen=True, slots=True)
class OptimSettings:
    """AdamW with warm-up, a constant phase and a linear decay over the last part.

    Attributes:
        matrices: What moves weights that are matrices, ``adamw`` too or ``muon``; see
            :mod:`aliquot.training.optimizers`.
        learning_rate: Of the constant phase.
        steps: Length of the run.
        warmup: Steps from zero to the full rate.
        decay: Share of ``steps`` over which the rate falls to a fiftieth.
        clip: Largest norm of a gradient.
        momentum: AdamW's first decay.
        ema: Decay of the averaged weights that are validated and released.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    batch: int = 16
    steps: int = 4_000
    warmup: int = 100
    decay: float = 0.35
    clip: float = 1.0
    ema: float = 0.998
    momentum: float = 0.9
    matrices: str = "adamw"

    def __post_init__(self) -> None:
        if self.matrices not in MATRICES:
            raise ValueError(f"matrices must be one of {MATRICES}, got {self.matrices!r}")


@dataclass(frozen=True, slots=True)
class AdversarySettings:
    """The adversarial part of the loss on waveforms, of any method.

    Attributes:
        weight: Of the adversary's verdict beside the reconstruction's 1; 0 trains without one.
            A waveform method's is the squared error over the spline's, the geometric mean of a
            batch: 1 for a network that adds nothing. The default model's critics hear only what
            lies between cut-off and typical bandwidth, in units of the original's rms there.
        features: Weight of feature matching beside ``weight``.
        warmup: Steps on waveforms without the adversary.
        kind: ``least-squares`` or ``hinge``.
        rate: The adversary's learning rate over the network's.
        frames: How many, in the middle of an example, the default model's critics hear.
    """

    weight: float = 0.0
    features: float = 2.0
    warmup: int = 300
    kind: str = "least-squares"
    rate: float = 1.0
    frames: int = 80


PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a run goes.

    Attributes:
        seed: Of initial weights, examples and noise.
        weights: A file of ``aliquot export --weights`` or a run folder to begin with the weights
            of, instead of random ones.
        threads: Of PyTorch on the CPU.
        workers: Processes that prepare examples; 0 for none.
        checkpoint_every: Steps.
        validate_every: Steps.
        validation_examples: Fixed examples from the held-out files.
        device: ``cpu``, ``cuda`` or ``auto``.
        precision: In which networks compute: ``auto`` is ``bfloat16`` on a GPU and ``float32``
            on a CPU, many of which have no instructions for the other. Weights, moments, losses
            and what is measured or added outside a network stay in ``float32``.
        previews: Held-out examples to draw and to write as sound at every validation.
    """

    seed: int = 1
    weights: str = ""
    threads: int = 2
    workers: int = 1
    checkpoint_every: int = 100
    validate_every: int = 400
    validation_examples: int = 48
    device: str = "auto"
    precision: str = "auto"
    previews: int = 0

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {PRECISIONS}, got {self.precision!r}")


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole run; ``method`` names what is trained (see :mod:`aliquot.training.registry`)."""

    method: str = "aliquot"
    model: SpectralConfig = field(default_factory=SpectralConfig)
    audiounet: AudioUNetConfig = field(default_factory=AudioUNetConfig)
    hetherly: HetherlyConfig = field(default_factory=HetherlyConfig)
    music_gan: MusicGanConfig = field(default_factory=MusicGanConfig)
    discriminators: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    data: DataSettings = field(default_factory=DataSettings)
    levels: LevelSettings = field(default_factory=LevelSettings)
    wave: WaveSettings = field(default_factory=WaveSettings)
    degrade: DegradationRange = field(default_factory=DegradationRange)
    loss: LossSettings = field(default_factory=LossSettings)
    optim: OptimSettings = field(default_factory=OptimSettings)
    adversary: AdversarySettings = field(default_factory=AdversarySettings)
    run: RunSettings = field(default_factory=RunSettings)
