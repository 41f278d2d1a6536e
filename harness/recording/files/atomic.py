"""Writing a file of a recording so that it is there whole, or as it was before."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.errors import RecordingError

#: What a new file may be: the usual mode, less the process's umask. Asking for the umask sets it, so it is asked once.
_umask = os.umask(0)
os.umask(_umask)


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` into `path` in one step, making its folder where needed; on failure the old file is untouched.

    Raises:
        RecordingError: the folder is read-only, the disk is full, or the system refused in another way.
    """
    # Writing over a link must change the file that it points to, not the link.
    target = Path(os.path.realpath(path))
    scratch: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, since a rename is only atomic within one file system.
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        scratch = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask)
        scratch.replace(target)
        scratch = None
    except OSError as error:
        raise RecordingError(
            f"'{path}' can't be written: {error.strerror or error}; nothing was changed. "
            "Make room or choose a folder that can be written to"
        ) from error
    finally:
        if scratch is not None:
            with suppress(OSError):
                scratch.unlink()
