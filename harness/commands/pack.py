"""`harness pack` and `harness unpack`: a folder of recordings as one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands.output import WRITTEN, console_for, json_option, write_json
from harness.commands.progress import at_work

if TYPE_CHECKING:
    from harness.recording.pack import Packed


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", "out", type=WRITTEN, required=True, metavar="FILE", help="The pack.")
@json_option
def pack(folder: Path, out: Path, json_file: Path | None) -> int:
    """Put a folder of recordings and cassettes into one SQLite file, which every command reads in place of the folder.

    \b
    Example:
      harness pack recordings -o recordings.pack
      harness replay recordings.pack

    \b
    JSON: {"format": "harness.pack/1", "path", "files", "size", "packed"},
    sizes in bytes
    """
    from harness.recording.pack import pack

    with at_work(f"packing {folder}"):
        packed = pack(folder, out)
    _report(packed, "packed", out, json_file)
    return 0


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-o", "--output", "out", type=WRITTEN, required=True, metavar="DIR", help="A new folder.")
@json_option
def unpack(path: Path, out: Path, json_file: Path | None) -> int:
    """Write every file of a pack into a folder, byte for byte as it was packed.

    \b
    Example:
      harness unpack recordings.pack -o recordings

    \b
    JSON: {"format": "harness.unpack/1", "path", "files", "size", "packed"},
    sizes in bytes
    """
    from harness.recording.pack import unpack

    with at_work(f"unpacking {path}"):
        unpacked = unpack(path, out)
    _report(unpacked, "unpacked", out, json_file)
    return 0


def _report(result: Packed, verb: str, out: Path, json_file: Path | None) -> None:
    from harness.recording.words.counts import counted

    files = counted(result.files, "file")
    console_for(json_file).print(f"{verb} {files}, {result.size:,} bytes ({result.packed:,} packed): {out}")
    write_json(
        json_file,
        {
            "format": f"harness.{verb.removesuffix('ed')}/1",
            "path": str(out),
            "files": result.files,
            "size": result.size,
            "packed": result.packed,
        },
    )
