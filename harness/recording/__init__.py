"""Recording runs with their provider traffic, and replaying, comparing, reading and damaging what was recorded."""

from __future__ import annotations

from harness.bus.scope import current_path
from harness.providers.shared.dialect import Dialect
from harness.recording.calls.replay_calls import replay_cassette
from harness.recording.comparison.compare import Difference, compare_frames
from harness.recording.environment import no_way_out, played_environment
from harness.recording.faults.cuts import cut_points, events_of, resplit
from harness.recording.faults.dialects import dialect_of
from harness.recording.faults.effects import refuse, repeat_end, tell_of_error
from harness.recording.faults.faults import Fault, parse_fault
from harness.recording.files.atomic import write_atomically
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.content import load_json, load_toml
from harness.recording.files.folder import CASSETTE, FRAMES, RecordedOutcome, Recording, is_recording, load_recording
from harness.recording.files.frames_file import load_frames
from harness.recording.files.walk import link_problem, recordings_below
from harness.recording.files.workplace import recover
from harness.recording.glance import sdk_of
from harness.recording.pack.access import at_hand, is_folder, pack_of
from harness.recording.record import Recorded, accept, record
from harness.recording.redact.redaction import Redactor
from harness.recording.replay import replay_recording
from harness.recording.replayed import Replayed
from harness.recording.scan import Finding, scan
from harness.recording.settings import Settings, extended
from harness.recording.tape.tape import Mode, NetworkGuard, Tape, network_guard, open_tape, playing, running
from harness.recording.target import Target
from harness.recording.trust.gate import Trust
from harness.recording.wire import Chunk, Ending, Interaction, WireRequest, WireResponse
from harness.recording.words.counts import counted
from harness.recording.words.user_code import line_in_user_code

__all__ = [
    "CASSETTE",
    "FRAMES",
    "Chunk",
    "Dialect",
    "Difference",
    "Ending",
    "Fault",
    "Finding",
    "Interaction",
    "Mode",
    "NetworkGuard",
    "Recorded",
    "RecordedOutcome",
    "Recording",
    "Redactor",
    "Replayed",
    "Settings",
    "Tape",
    "Target",
    "Trust",
    "WireRequest",
    "WireResponse",
    "accept",
    "at_hand",
    "compare_frames",
    "counted",
    "current_path",
    "cut_points",
    "dialect_of",
    "events_of",
    "extended",
    "is_folder",
    "is_recording",
    "line_in_user_code",
    "link_problem",
    "load_frames",
    "load_json",
    "load_recording",
    "load_toml",
    "network_guard",
    "no_way_out",
    "open_tape",
    "pack_of",
    "parse_fault",
    "played_environment",
    "playing",
    "read_cassette",
    "record",
    "recordings_below",
    "recover",
    "refuse",
    "repeat_end",
    "replay_cassette",
    "replay_recording",
    "resplit",
    "running",
    "scan",
    "sdk_of",
    "tell_of_error",
    "write_atomically",
]
