"""``aliquot train``: a settings file in, a run folder with checkpoints and a log out."""

from pathlib import Path

import click


@click.command(epilog="Exit status: 0 trained (or stopped at --max-minutes), 2 wrong settings.")
@click.argument("settings", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[SECTION.KEY=VALUE]...")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Run folder. [runs/<settings>]")
@click.option("--max-minutes", type=click.FloatRange(min=0), help="Stop, resumable, after this.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def train(
    settings: Path,
    overrides: tuple[str, ...],
    out: Path | None,
    max_minutes: float | None,
    quiet: bool,
) -> None:
    """Train a model from a settings file; run again to resume.

    Example: aliquot train settings/aliquot.toml optim.steps=8000

    On your own music: aliquot prepare MUSIC, then aliquot train settings/aliquot.toml
    data.music=MUSIC data.held_out=MUSIC/held-out.txt data.split=

    Under torchrun, several processes share every batch.
    """
    from tqdm import tqdm

    from aliquot.config import load
    from aliquot.errors import ConfigError

    try:
        from aliquot.training.loop import Trainer
        from aliquot.training.parallel import join
        from aliquot.training.settings import Settings
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"training needs {error.name}; install it with: pip install 'aliquot[train]'"
        ) from error

    chosen = load(Settings, settings, overrides)
    group = join()
    trainer = Trainer(chosen, out or Path("runs") / settings.stem, group)
    total = trainer.steps
    with tqdm(
        total=total,
        initial=trainer.step,
        unit="step",
        disable=True if quiet or not group.leads else None,
    ) as bar:

        def report(row: dict[str, float]) -> None:
            bar.update(int(row["step"]) - bar.n)
            name = "valid_total" if "valid_total" in row else "total"
            bar.set_postfix_str(f"{name}={row[name]:.4f}")

        def heard(name: str) -> None:
            bar.set_postfix_str(f"ready: {name}")

        limit = float("inf") if max_minutes is None else 60 * max_minutes
        trainer.train(report, limit, heard)
    group.leave()
    if group.leads:
        click.echo(trainer.folder / "checkpoint.safetensors")
