"""`python -m harness` is `harness`."""

from __future__ import annotations

from harness.import_path import move_current_folder_last

# `python -m` has put the current folder first.
move_current_folder_last()

from harness.commands import main  # noqa: E402 - what it imports is ours

main()
