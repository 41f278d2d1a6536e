"""What SDKs ask for credentials by themselves: not the run's requests, and made only by who has no others.

A replay has stand-ins, and a machine other means than the one that recorded, so whoever plays may ask there or not.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from harness.recording.wire import WireRequest

_AWS: Final = r"(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?"
#: The machine's own metadata (AWS, Google Cloud and Azure; containers on AWS), and who gives tokens for a cloud.
_SOURCES: Final = re.compile(
    r"(?:169\.254\.169\.254|169\.254\.170\.(?:2|23)|fd00:ec2::(?:254|23)|metadata\.google\.internal)/.*"
    rf"|oidc{_AWS}/.*|portal\.sso{_AWS}/federation/credentials"
    r"|(?:oauth2|sts)\.googleapis\.com/(?:v1/)?token|iamcredentials\.googleapis\.com/.*:generate(?:AccessToken|IdToken)"
    r"|login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn|microsoft\.com)/.*"
    r"|iam\.cloud\.ibm\.com/identity/token"
)
#: Who gives others' credentials, by this action; by others it tells who one is.
_STS: Final = re.compile(rf"sts{_AWS}")
_ASSUMES: Final = "Action=AssumeRole"


def is_for_credentials(request: WireRequest) -> bool:
    """Return whether `request` asks for the credentials of others."""
    url = urlsplit(request.url)
    host = url.hostname or ""
    if _STS.fullmatch(host):
        return _ASSUMES in url.query or _ASSUMES.encode() in request.body
    return _SOURCES.fullmatch(f"{host}{url.path or '/'}") is not None
