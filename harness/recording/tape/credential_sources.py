"""Where SDKs get credentials by themselves: not the run's requests, and made only by who has no others.

A replay has stand-ins, and a machine other means than the one that recorded, so whoever plays may ask there or not.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from harness.recording.wire import WireRequest

#: The machine's own metadata (AWS, Google Cloud and Azure; containers on AWS), and who gives tokens for a cloud.
_SOURCES: Final = re.compile(
    r"169\.254\.169\.254|169\.254\.170\.(?:2|23)|fd00:ec2::(?:254|23)|metadata\.google\.internal"
    r"|(?:sts|oidc|portal\.sso)(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?"
    r"|(?:oauth2|sts|iamcredentials)\.googleapis\.com"
    r"|login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn|microsoft\.com)"
    r"|iam\.cloud\.ibm\.com"
)


def is_for_credentials(request: WireRequest) -> bool:
    """Return whether `request` asks for the credentials of others."""
    return _SOURCES.fullmatch(urlsplit(request.url).hostname or "") is not None
