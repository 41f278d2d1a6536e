"""Zstandard with a dictionary for each kind of file: small texts that resemble each other, each readable by itself.

Source: https://facebook.github.io/zstd/#small-data (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from harness.errors import MissingExtraError, UnreadableRecordingError

try:
    import zstandard
except ImportError as error:
    raise MissingExtraError("packs need zstandard: pip install 'stream-harness[pack]'") from error

LEVEL: Final = 12
#: Bytes that a dictionary may have, and how many bytes of samples it is trained on.
_DICTIONARY_BYTES: Final = 112 * 1024
_SAMPLE_BYTES: Final = 16 * 1024 * 1024
#: Of one file, so much is a sample; what follows resembles it.
_SAMPLE: Final = 64 * 1024
#: Fewer samples than this train no dictionary.
_FEWEST: Final = 8


def train(samples: Iterable[bytes]) -> bytes:
    """Return a dictionary for texts like these; empty where they are too few to teach one."""
    excerpts: list[bytes | bytearray | memoryview] = []
    left = _SAMPLE_BYTES
    for sample in samples:
        if left <= 0:
            break
        excerpts.append(sample[:_SAMPLE])
        left -= len(excerpts[-1])
    if len(excerpts) < _FEWEST:
        return b""
    try:
        return zstandard.train_dictionary(_DICTIONARY_BYTES, excerpts).as_bytes()
    except zstandard.ZstdError:  # samples that have nothing in common
        return b""


class Codec:
    """Compresses and decompresses with the dictionaries of one pack, by their kind."""

    def __init__(self, dictionaries: Mapping[str, bytes]) -> None:
        self._known = {
            kind: zstandard.ZstdCompressionDict(content) for kind, content in dictionaries.items() if content
        }
        # Each when it is asked for: making a compressor takes longer than reading a file.
        self._compressors: dict[str, zstandard.ZstdCompressor] = {}
        self._decompressors: dict[str, zstandard.ZstdDecompressor] = {}

    def compress(self, kind: str, content: bytes) -> bytes:
        if kind not in self._compressors:
            self._compressors[kind] = zstandard.ZstdCompressor(level=LEVEL, dict_data=self._known.get(kind))
        return self._compressors[kind].compress(content)

    def decompress(self, kind: str, content: bytes, size: int, where: str) -> bytes:
        """Return `size` bytes, and never more, whatever the content claims.

        Raises:
            UnreadableRecordingError: it is damaged, or has another size.
        """
        try:
            if kind not in self._decompressors:
                self._decompressors[kind] = zstandard.ZstdDecompressor(dict_data=self._known.get(kind))
            with self._decompressors[kind].stream_reader(content) as reader:
                found = reader.read(size + 1)
        except zstandard.ZstdError as error:
            raise UnreadableRecordingError(f"{where} is damaged: it can't be decompressed") from error
        if len(found) != size:
            raise UnreadableRecordingError(f"{where} is damaged: it has not the {size:,} bytes that the pack tells of")
        return found
