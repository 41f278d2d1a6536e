"""The page about one run of the suite: numbers per area, evidence that stays the same from run to run, what does not apply."""

from __future__ import annotations

from typing import Any

from conformance.summary_page import render_summary


def document() -> dict[str, Any]:
    late = {"seq": 7, "message": "task 'Task-12' | <Session object at 0x7f00> \n stayed"}
    return {
        "subject": {"name": "mine", "version": "2.0", "capabilities": ["flow"]},
        "clauses": [
            {"id": "order.delivery", "level": "MUST", "status": "passed", "checks": []},
            {
                "id": "cleanup.no-leaks",
                "level": "MUST",
                "status": "failed",
                "checks": [
                    {"scenario": "close/one", "status": "passed", "violations": []},
                    {"scenario": "close/two", "status": "failed", "violations": [late]},
                ],
            },
            {"id": "session.replay", "level": "MUST", "status": "not-testable", "checks": []},
            {"id": "turn.sequence", "level": "MUST", "status": "not-applicable", "checks": []},
        ],
    }


def test_a_page_has_numbers_per_area_and_the_first_evidence_of_what_fell_short() -> None:
    page = render_summary(document(), "harness conformance --runtime mine").splitlines()

    assert page[0] == "# mine 2.0 against the contract"
    assert "| order | 1 | 0 | 0 | 0 |" in page
    assert "| cleanup | 0 | 1 | 0 | 0 |" in page
    assert "| cleanup.no-leaks | MUST | 1 of 2 | `close/two`: task 'Task-…' \\| <Session object…> stayed |" in page
    assert "| session.replay | MUST | 0 of 0 | nothing decides it |" in page
    assert "| turn.sequence | MUST | turn |" in page
