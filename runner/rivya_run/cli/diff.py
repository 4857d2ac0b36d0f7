"""``rivya-run diff``."""
import click
@click.command("diff")
def command() -> None:
    """x"""
