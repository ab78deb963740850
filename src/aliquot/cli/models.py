"""``aliquot models``: what is released, and under which name."""

import json
from dataclasses import asdict

import click

from aliquot.cli import EXIT_STATUS


@click.group()
def models() -> None:
    """List the released models, or show one."""


@models.command("list", epilog=EXIT_STATUS)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON per model.")
def list_models(as_json: bool) -> None:
    """List the released models."""
    from aliquot import weights

    default = weights.find("default").name
    for release in weights.releases().values():
        if as_json:
            click.echo(json.dumps(asdict(release), default=str))
        else:
            mark = "  (default)" if release.name == default else ""
            click.echo(
                f"{release.name:20} {release.kind:10} {release.bytes / 1e6:6.1f} MB  "
                f"{release.licence}{mark}"
            )


@models.command(epilog=EXIT_STATUS)
@click.argument("name", default="default")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def show(name: str, as_json: bool) -> None:
    """Show one released model: licence, card, size and hash."""
    from aliquot import weights

    release = weights.find(name)
    if as_json:
        click.echo(json.dumps(asdict(release), default=str))
        return
    for key, value in asdict(release).items():
        click.echo(f"{key:10} {value}")
