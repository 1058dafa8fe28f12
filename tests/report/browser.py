"""A real browser, driven by its own driver over the WebDriver protocol: Debian's chromium and chromium-driver."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PACKAGES = ("chromium", "chromium-driver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)
ENTER, LEFT, UP = "\ue007", "\ue012", "\ue013"
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_START_S = 60


def installed() -> None:
    """Both programs are there, or are installed now; a skip where only an administrator could."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"no browser: an administrator installs it with `apt-get install {' '.join(PACKAGES)}`")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", "-qq", *command], env=quiet, check=True, stdout=subprocess.DEVNULL)


class Browser:
    """One window. Sizes are CSS pixels."""

    def __init__(self, session: str) -> None:
        self._session = session

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return _ask(method, self._session + path, body)

    def open(self, page: Path) -> None:
        self._ask("POST", "/url", {"url": page.as_uri()})

    def run(self, script: str, *arguments: object) -> Any:
        """What a script in the page returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def reload(self) -> None:
        """The same page anew; back when it is there."""
        self._ask("POST", "/refresh", {})

    def find(self, selector: str) -> str:
        return str(self._ask("POST", "/element", {"using": "css selector", "value": selector})[_ELEMENT])

    def click(self, selector: str) -> None:
        self._ask("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector: str, keys: str) -> None:
        self._ask("POST", f"/element/{self.find(selector)}/value", {"text": keys})

    def press(self, keys: str) -> None:
        """Keys for whatever has the focus."""
        pressed = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": pressed}]})

    def text(self, selector: str) -> str:
        return str(self._ask("GET", f"/element/{self.find(selector)}/text"))

    def emulate(self, **media: str) -> None:
        """Media features, such as ``prefers_color_scheme="dark"``; or ``media="print"``. The page has heard of them."""
        features = [{"name": k.replace("_", "-"), "value": v} for k, v in media.items() if k != "media"]
        self.command("Emulation.setEmulatedMedia", media=media.get("media", ""), features=features)
        # Listeners hear of it in the next frame at the earliest, in the one after at the latest.
        self.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.command("Emulation.setDeviceMetricsOverride", **size)

    def command(self, name: str, **parameters: object) -> Any:
        return self._ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def log(self) -> list[str]:
        """What the console said since the last time; refusals of the security policy are among it."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def screenshot(self, into: Path, *, whole: bool = False) -> None:
        taken = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        into.write_bytes(base64.b64decode(taken["data"]))


def _ask(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with _DIRECT.open(request, timeout=120) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        said = json.load(error)["value"]
        raise AssertionError(f"{said['error']}: {said['message'].splitlines()[0]}") from None


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a new profile in ``folder``."""
    installed()
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        root = f"http://127.0.0.1:{_port(driver)}"
        options = {
            "args": [*FLAGS, f"--user-data-dir={folder / 'profile'}"],
            "binary": shutil.which("chromium"),
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        made = _ask("POST", f"{root}/session", {"capabilities": {"alwaysMatch": wanted}})
        session = f"{root}/session/{made['sessionId']}"
        try:
            yield Browser(session)
        finally:
            _ask("DELETE", session)
    finally:
        driver.terminate()
        driver.wait(timeout=30)
        if driver.stdout is not None:
            driver.stdout.close()


def _port(driver: subprocess.Popen[str]) -> int:
    """The port the driver says it listens on."""
    assert driver.stdout is not None
    until = time.monotonic() + _START_S
    for line in driver.stdout:
        if found := re.search(r"started successfully on port (\d+)", line):
            return int(found[1])
        if time.monotonic() > until:
            break
    raise AssertionError("chromedriver did not start")
