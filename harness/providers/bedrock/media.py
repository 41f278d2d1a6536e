"""Images, documents and sound of Bedrock Converse: its own names for formats, and where the content is.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html, …_ImageBlock.html,
…_AudioBlock.html (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input.blocks import DocumentPart, MediaSource, SourcedImagePart
from harness.llm.input.messages import AudioPart, FilePart, ImagePart
from harness.providers.shared.data_url import DataURL, registered
from harness.providers.shared.requests.wire_body import present

MediaPart = ImagePart | FilePart | AudioPart | SourcedImagePart | DocumentPart

_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
#: The format's name → its media type.
DOCUMENTS: Final[Mapping[str, str]] = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
IMAGES: Final[Mapping[str, str]] = {name: f"image/{name}" for name in ("png", "jpeg", "gif", "webp")}
_S3: Final = "s3://"
#: What the name of a document may not hold.
_NOT_IN_NAMES: Final = re.compile(r"[^0-9A-Za-z\s\-()\[\]]+")


def sdk_media(part: MediaPart) -> dict[str, Any]:
    """Return the block of an image, a document or sound. Raises UsageError for what Bedrock does not take."""
    match part:
        case ImagePart():
            return _image(part.image_url.url)
        case FilePart():
            return _file(part)
        case AudioPart():
            inline = DataURL("", part.input_audio.data)
            return {"audio": {"format": part.input_audio.format, "source": {"bytes": _content(inline)}}}
        case SourcedImagePart():
            return {"image": {"format": _format(part.source.media_type or "", IMAGES), "source": _source(part.source)}}
        case DocumentPart():
            return _document(part)


def _image(url: str) -> dict[str, Any]:
    inline = DataURL.read(url)
    if inline is not None:
        return {"image": {"format": _format(inline.media_type, IMAGES), "source": {"bytes": _content(inline)}}}
    if url.startswith(_S3):
        suffix = PurePosixPath(url).suffix.removeprefix(".").lower()
        return {"image": {"format": "jpeg" if suffix == "jpg" else suffix, "source": {"s3Location": {"uri": url}}}}
    raise UsageError("bedrock takes an image as a data URL or an s3:// URL")


def _file(part: FilePart) -> dict[str, Any]:
    inline = DataURL.read(part.file.file_data or "")
    if inline is None:
        raise UsageError("bedrock takes a file as file_data, a data URL")
    if inline.media_type.startswith("image/"):
        return _image(str(inline))
    kind, stem = _format(inline.media_type, DOCUMENTS), PurePosixPath(part.file.filename or "document").stem
    return {"document": {"format": kind, "name": _name(stem), "source": {"bytes": _content(inline)}}}


def _document(part: DocumentPart) -> dict[str, Any]:
    media_type, citations = part.source.media_type, part.citations
    more = present(
        format=None if media_type is None else _format(media_type, DOCUMENTS),
        context=part.context,
        citations=None if citations is None else citations.given(),
    )
    return {"document": {"name": _name(part.title or "document"), "source": _source(part.source), **more}}


def _name(title: str) -> str:
    """Return a title as the API takes it: it refuses most punctuation, and more than one space in a row."""
    return " ".join(_NOT_IN_NAMES.sub("-", title).split())


def _source(source: MediaSource) -> dict[str, Any]:
    match source.type:
        case "base64":
            return {"bytes": _content(DataURL("", source.data or ""))}
        case "text":
            return {"text": source.data or ""}
        case "url" if (source.url or "").startswith(_S3):
            return {"s3Location": {"uri": source.url}}
        case "content" if isinstance(source.content, list):
            return {"content": [{"text": block.text} for block in source.content]}
        case _:
            raise UsageError(f"bedrock takes no media by {source.type!r} here")


def _format(media_type: str, known: Mapping[str, str]) -> str:
    for name, known_type in known.items():
        if known_type == registered(media_type):
            return name
    raise UsageError(f"bedrock takes no {media_type!r} here; it takes {', '.join(known.values())}")


def _content(inline: DataURL) -> bytes:
    try:
        return inline.content()
    except ValueError as error:
        raise UsageError(f"the content of a file is no base64: {error}") from error


def media_source(wire: Mapping[str, Any], media_type: str | None) -> dict[str, Any]:
    """Return our source of a recorded one, whose bytes are base64. Raises UsageError for an unknown kind."""
    kind = present(media_type=media_type)
    match dict(wire):
        case {"bytes": str(data)}:
            return {"type": "base64", "data": data, **kind}
        case {"text": str(data)}:
            return {"type": "text", "data": data, **kind}
        case {"s3Location": {"uri": str(url)}}:
            return {"type": "url", "url": url, **kind}
        case {"content": list(blocks)}:
            return {"type": "content", "content": [{"type": "text", **block} for block in blocks], **kind}
        case _:
            raise UsageError(f"a source of the kind {', '.join(wire)} can't be rebuilt")
