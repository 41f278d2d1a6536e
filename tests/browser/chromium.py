"""A real Chromium, driven by Selenium: one for all tests of a module, each width and colour scheme on demand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.wait import WebDriverWait

#: Where Debian's packages `chromium` and `chromium-driver`, and others, put them.
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
PATIENCE_S: Final = 20.0
#: Widths and heights, in CSS pixels.
DESKTOP: Final = (1280, 800)
PHONE: Final = (390, 844)

Scheme = Literal["light", "dark"]


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """Start a browser with an empty profile; skip, by name, where there is none."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("needs Chromium and its driver: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = browser
    for option in (*_OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Beside its profile it writes into the folder of whoever runs it.
    page = Chrome(options, ChromeService(driver, env={**os.environ, "HOME": str(profile)}))
    try:
        yield page
    finally:
        page.quit()


def sized(page: Chrome, size: tuple[int, int], scheme: Scheme = "light") -> None:
    """Give the page a size and a colour scheme."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def until(page: Chrome, script: str) -> None:
    """Wait until an expression is true in the page."""
    WebDriverWait(page, PATIENCE_S, poll_frequency=0.05).until(
        lambda driver: driver.execute_script(f"return Boolean({script})"), f"never true: {script}"
    )


def read(page: Chrome, expression: str) -> str:
    """Return what an expression is in the page, as text."""
    return str(page.execute_script(f"return {expression}"))


def complaints(page: Chrome) -> list[str]:
    """Return what the browser's console has that is worse than information, since this was asked last.

    Advice on speed is left out: it is about what tests do to read a canvas.
    """
    logged = page.get_log("browser")  # type: ignore[no-untyped-call]
    return [
        entry["message"]
        for entry in logged
        if entry["level"] in {"SEVERE", "WARNING"} and entry["source"] != "rendering"
    ]
