"""Images, documents and sound in Gemini's form: inline data, or a file by its URI.

Source: https://ai.google.dev/api/caching#Part (2026-11).
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError
from harness.llm.input.blocks import DocumentPart, SourcedImagePart
from harness.llm.input.messages import AudioPart, FilePart, ImagePart
from harness.providers.shared.data_url import DataURL
from harness.providers.shared.requests.recorded_request import picked
from harness.providers.shared.requests.wire_body import present

MediaPart = ImagePart | FilePart | AudioPart | SourcedImagePart | DocumentPart


def wire_media(part: MediaPart) -> dict[str, Any]:
    """Return an image, a document or sound on the wire. Raises UsageError where its source can't be sent."""
    match part:
        case ImagePart():
            return _by_url(part.image_url.url)
        case AudioPart():
            return _inline(f"audio/{part.input_audio.format}", part.input_audio.data)
        case FilePart():
            place = part.file.file_data or part.file.file_id
            if place is None:
                raise UsageError("a file part needs a file_id, or file_data as a data URL")
            return _by_url(place)
        case _:
            return _by_source(part)


def _by_source(part: SourcedImagePart | DocumentPart) -> dict[str, Any]:
    source = part.source
    match source.type:
        case "base64" if source.media_type and source.data is not None:
            return _inline(source.media_type, source.data)
        case "text" if source.data is not None:
            inline = DataURL.of_text(source.data, source.media_type or "text/plain")
            return _inline(inline.media_type, inline.base64)
        case "url" if source.url is not None:
            return _file(source.url, source.media_type)
        case "file" if source.file_id is not None:
            return _file(source.file_id, source.media_type)
        case _:
            raise UsageError(f"gemini takes no {part.type} whose source is {source.type!r} as it is given")


def _by_url(url: str) -> dict[str, Any]:
    inline = DataURL.read(url)
    # What a URL's file is must be said on this wire where its name tells.
    return _file(url, mimetypes.guess_type(url)[0]) if inline is None else _inline(inline.media_type, inline.base64)


def _inline(media_type: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _file(uri: str, media_type: str | None) -> dict[str, Any]:
    return {"fileData": {"fileUri": uri, **present(mimeType=media_type)}}


def parse_media(part: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return our form of a recorded part that is inline data or a file, and None for any other."""
    inline, file = part.get("inlineData"), part.get("fileData")
    if isinstance(inline, Mapping):
        url = str(DataURL(str(inline.get("mimeType")), str(inline.get("data"))))
        if str(inline.get("mimeType")).startswith("image/"):
            return {"type": "image_url", "image_url": {"url": url}}
        return {"type": "file", "file": {"file_data": url}}
    if isinstance(file, Mapping):
        source = {"type": "url", "url": file.get("fileUri"), **picked(file, mimeType="media_type")}
        return {"type": "document", "source": source}
    return None
