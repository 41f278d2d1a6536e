"""What detect-secrets finds beside our own rules, where it is installed (the extra `scan`).

Its plugins are called one by one on decoded text, without its settings, filters and baselines, which are global to a
process. Left out are those whose findings in provider traffic are noise: entropy (every id is random), keywords (every
tool schema has a `token` or `key`), IP addresses; and those whose forms our own table has.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

_PLUGINS = (
    ("discord", "DiscordBotTokenDetector"),
    ("gitlab_token", "GitLabTokenDetector"),
    ("ibm_cloud_iam", "IbmCloudIamDetector"),
    ("ibm_cos_hmac", "IbmCosHmacDetector"),
    ("cloudant", "CloudantDetector"),
    ("mailchimp", "MailchimpDetector"),
    ("npm", "NpmDetector"),
    ("private_key", "PrivateKeyDetector"),
    ("softlayer", "SoftlayerDetector"),
    ("square_oauth", "SquareOAuthDetector"),
    ("telegram_token", "TelegramBotTokenDetector"),
)


def second_opinion(text: str) -> tuple[str, ...]:
    """Return the kinds of secret that detect-secrets sees in `text`; none where it is not installed."""
    return tuple(plugin.secret_type for plugin in _plugins() if any(plugin.analyze_string(text)))


@cache
def _plugins() -> tuple[BasePlugin, ...]:
    try:
        return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in _PLUGINS)
    except ModuleNotFoundError:
        return ()
