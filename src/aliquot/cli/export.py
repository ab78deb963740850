"""``aliquot export``: a training run in, an ONNX model that says what it is out."""

from pathlib import Path

import click

from aliquot.errors import ConfigError


@click.command(epilog="The file runs with `aliquot restore --model FILE`.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", "-o", type=click.Path(path_type=Path), required=True, help="The .onnx file.")
@click.option("--name", help="Of the release. [name of the file]")
@click.option("--licence", default="MIT", show_default=True, help="Of the weights.")
@click.option("--card", default="", help="Path of the model card in the repository.")
@click.option("--commit", default="", help="Of the code that trained it. [the one checked out]")
@click.option("--level-db", default=0.0, show_default=True, help="Raise all levels by this.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Also write the weights by name, a .safetensors file that training can begin with.",
)
def export(
    run: Path,
    out: Path,
    name: str | None,
    licence: str,
    card: str,
    commit: str,
    level_db: float,
    weights: Path | None,
) -> None:
    """Export a training run (its folder, or RUN/best) to ONNX, checked against PyTorch.

    Prints the entry of releases.toml. Weights written beside it (`--weights W.safetensors`) are
    what `aliquot train SETTINGS run.weights=W.safetensors` begins with.
    """
    if out.suffix != ".onnx":
        raise ConfigError(f"{out}: a model is an .onnx file; give --out a name that ends in .onnx")
    if weights and weights.suffix != ".safetensors":
        raise ConfigError(f"{weights}: give --weights a name that ends in .safetensors")
    try:
        from aliquot import export as exporting
        from aliquot.training.checkpoint import save_weights
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"exporting needs {error.name}; install it with: pip install 'aliquot[train]'"
        ) from error

    facts = {
        "name": name or out.stem,
        "licence": licence,
        "card": card,
        "commit": commit or exporting.commit_of(Path.cwd()),
    }
    made = exporting.export(run, out, facts, level_db)
    if weights:
        save_weights(run, weights)
    click.echo(
        f"[releases.{facts['name']}]\n"
        f'file = "{out.name}"\n'
        f'sha256 = "{made.sha256}"\n'
        f"bytes = {made.bytes}\n"
        f'licence = "{licence}"\n'
        f'card = "{card}"\n'
        f'kind = "{made.kind}"'
    )
    click.echo(f"largest difference to PyTorch: {made.difference:.1e} of the peak", err=True)
