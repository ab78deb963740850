"""What becomes what: every recording gets the path of its result before any work begins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aliquot.batch.find import Failure, Found, find, is_folder
from aliquot.errors import AliquotError, ConfigError
from aliquot.io.formats import container_of, output_format
from aliquot.io.names import RESULT_MARK, SOUND_SUFFIXES, shown
from aliquot.io.sound import open_reader

BESIDE = "{name}" + RESULT_MARK + ".{ext}"
IN_FOLDER = "{name}.{ext}"


@dataclass(frozen=True, slots=True)
class Wish:
    """Where results go and what they are.

    Attributes:
        out: A file, a folder, or None for a result beside its input.
        template: Name of a result, with ``{name}``, ``{ext}``, ``{folder}`` and ``{model}``.
        container: As of :func:`aliquot.io.sound.output_format`, or None for its defaults.
        bits: As above.
        bitrate_kbps: As above.
        model: Name of the model, for the template.
        recursive: Whether folders are searched with their sub-folders.
    """

    out: Path | None = None
    template: str | None = None
    container: str | None = None
    bits: str | None = None
    bitrate_kbps: int | None = None
    model: str = "default"
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One recording and the path of its result.

    Attributes:
        source: The recording.
        target: Its result.
        copy_target: Its result if there is nothing to restore and the file is copied as it is.
        container: The container asked for, or None if it is what the recording has anyway.
        seconds: Its length as its header declares it, or None.
    """

    source: Path
    target: Path
    copy_target: Path
    container: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All the work of one run, and the inputs for which there is none.

    Attributes:
        jobs: In the order of the inputs.
        failures: Inputs that name no recording, or one that cannot be read.
        found: Number of recordings found, readable or not.
    """

    jobs: tuple[Job, ...]
    failures: tuple[Failure, ...]
    found: int


def plan(inputs: Sequence[str], wish: Wish) -> Plan:
    """Find the recordings and name their results.

    Args:
        inputs: Files, folders or patterns.
        wish: Where results go and what they are.

    Returns:
        The jobs; inputs that do not exist or cannot be read are among its failures.

    Raises:
        ConfigError: If two recordings would get one result, a result would replace an input, or
            the template or the output path cannot be used.
    """
    check_template(wish.template or BESIDE)
    out_file = wish.out is not None and _is_file(wish.out)
    found, failures = find(inputs, recursive=wish.recursive, avoid=None if out_file else wish.out)
    if wish.out is not None and out_file:
        if len(found) > 1 or any(is_folder(Path(text)) for text in inputs):
            raise ConfigError(
                f"{shown(wish.out)}: several recordings need a folder; give -o a folder"
            )
        wish = replace(wish, container=container_of(wish.out, wish.container))
    jobs: list[Job] = []
    for item in found:
        try:
            jobs.append(_job(item, wish, out_file=out_file))
        except (AliquotError, OSError) as error:
            failures.append(Failure(item.path, error))
    refuse_clashes(jobs)
    return Plan(tuple(jobs), tuple(failures), len(found))


def check_template(template: str) -> None:
    """Refuse a template that has unknown fields or leads out of the output folder.

    Raises:
        ConfigError: With the fields there are.

    >>> check_template("{folder}/{name}.{ext}")
    """
    fields = dict.fromkeys(("name", "ext", "folder", "model"), "x")
    known = ", ".join(f"{{{key}}}" for key in fields)
    try:
        path = Path(template.format_map(fields))
    except (KeyError, ValueError, AttributeError, IndexError) as error:
        raise ConfigError(
            f"template {template!r} cannot be used; its fields are {known}"
        ) from error
    if path.suffix.lower() in SOUND_SUFFIXES:
        raise ConfigError(
            f"template {template!r} names a format; end it in .{{ext}} and choose it by --format"
        )
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ConfigError(f"template {template!r} leaves the folder of the results; stay inside")


def _is_file(out: Path) -> bool:
    return not out.is_dir() and (out.exists() or out.suffix.lower() in SOUND_SUFFIXES)


def _job(item: Found, wish: Wish, *, out_file: bool) -> Job:
    with open_reader(item.path) as reader:
        info = reader.info
    seconds = info.frames / info.sample_rate if info.frames else None
    fmt = output_format(
        info, container=wish.container, bits=wish.bits, bitrate_kbps=wish.bitrate_kbps
    )
    same = info.lossless and wish.container is not None and fmt.container == info.container
    container = None if same else wish.container
    if wish.out is not None and out_file:
        return Job(item.path, wish.out, wish.out, container, seconds)
    target = _name(item, wish, fmt.extension)
    asked = container or wish.bits or wish.bitrate_kbps
    copy_target = target if asked else _name(item, wish, item.path.suffix)
    return Job(item.path, target, copy_target, container, seconds)


def _name(item: Found, wish: Wish, extension: str) -> Path:
    root = item.path.parent if wish.out is None else wish.out / item.folder
    template = wish.template or (BESIDE if wish.out is None else IN_FOLDER)
    return root / template.format(
        name=item.path.stem,
        ext=extension.lstrip("."),
        folder=item.path.resolve().parent.name,
        model=Path(wish.model).stem,
    )


def refuse_clashes(jobs: Sequence[Job]) -> None:
    """Refuse a plan in which a result would replace an input or another result.

    Raises:
        ConfigError: With the two names.
    """
    sources = {job.source.resolve(): shown(job.source) for job in jobs}
    owner: dict[Path, str] = {}
    for job in jobs:
        for target in {job.target.resolve(), job.copy_target.resolve()}:
            if target in sources:
                own = target == job.source.resolve()
                whose = "its own result" if own else f"the result of {shown(job.source)}"
                message = f"{sources[target]}: this input would be replaced by {whose}"
                raise ConfigError(f"{message}; give -o another path")
            if target in owner:
                raise ConfigError(
                    f"{shown(job.source)} and {owner[target]} would both become {shown(target)}; "
                    "restore them into two folders, or rename one"
                )
            owner[target] = shown(job.source)
