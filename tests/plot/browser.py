"""A headless Chromium, driven over a pipe by the DevTools protocol; nothing but the browser is needed.

    python tests/plot/browser.py map.html shot.png [--dark] [--size 1400x900] [--search TEXT] [--select TEXT]

takes a picture of a page, for eyes.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 30.0  # seconds for any answer
# A browser asks for updates, lists and fonts by itself; here it finds no host.
OFFLINE = ("--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND")


def browser_path() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page in one browser; a context manager."""

    def __init__(self, width: int = 1200, height: int = 800) -> None:
        self.size = (width, height)
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._rest = b""

    def __enter__(self) -> Browser:
        self._folder = tempfile.mkdtemp(prefix="item2vec-browser-")
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()

        def wire() -> None:  # the browser reads from 3 and writes to 4
            first, second = os.dup(to_read), os.dup(to_write)
            os.dup2(first, 3)
            os.dup2(second, 4)

        command = [str(browser_path()), "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        command += ["--disable-dev-shm-usage", f"--user-data-dir={self._folder}", "--no-first-run", *OFFLINE]
        self._process = subprocess.Popen(
            [*command, "about:blank"],
            preexec_fn=wire,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Debian's build writes outside of its profile too: crash reports, shader caches.
            env=os.environ | {"XDG_CONFIG_HOME": self._folder, "XDG_CACHE_HOME": self._folder},
        )
        os.close(to_read)
        os.close(to_write)
        self._session: str | None = None
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self(f"{domain}.enable")
        self(
            "Emulation.setDeviceMetricsOverride",
            width=self.size[0],
            height=self.size[1],
            deviceScaleFactor=1,
            mobile=False,
        )
        self.dark(False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command, and wait for its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self._read, 1 << 20)
            if not more:
                raise RuntimeError("the browser ended")
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path) -> None:
        """Load a file, and wait until it has been drawn."""
        self("Page.navigate", url=path.resolve().as_uri())
        self.until("document.readyState === 'complete'")
        self.settle()

    def run(self, script: str) -> Any:
        """The value of an expression; a promise's when it is kept."""
        result = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def until(self, script: str) -> None:
        """Wait for an expression to be true."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(script):
            if time.monotonic() > deadline:
                raise TimeoutError(script)

    def settle(self) -> None:
        """Wait until a flight of the camera has ended and two frames more were drawn."""
        self.run(
            "new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 600))"
        )

    def dark(self, on: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self("Emulation.setEmulatedMedia", features=[scheme])

    def click(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left" if kind != "mouseMoved" else "none",
                clickCount=1,
            )

    def move(self, x: float, y: float) -> None:
        self("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click_on(self, selector: str) -> None:
        """Click the middle of an element."""
        middle = "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        box = self.run(f"{middle}(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")
        self.click(*box)

    def press(self, key: str) -> None:
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38}.get(key, 0)
        self("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        self("Input.insertText", text=text)

    def picture(self) -> bytes:
        """The page as PNG."""
        return base64.b64decode(self("Page.captureScreenshot", format="png")["data"])

    def complaints(self) -> list[str]:
        """Errors and warnings of the page so far, on the console or thrown."""
        self.run("0")  # what came before has arrived then
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(json.dumps(parameters["exceptionDetails"]))
            elif event.get("method") == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
                found.append(json.dumps(parameters["args"]))
            elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                found.append(parameters["entry"]["text"])
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description="A picture of a page.")
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--size", default="1400x900")
    parser.add_argument("--search", help="text for the search box, left open")
    parser.add_argument("--select", help="text for the search box, and Enter")
    parser.add_argument("--zoom", type=int, default=0, help="presses of +")
    options = parser.parse_args()
    with Browser(*map(int, options.size.split("x"))) as browser:
        browser.dark(options.dark)
        browser.open(options.page)
        if options.search or options.select:
            browser.press("/")
            browser.type(options.search or options.select)
        if options.select:
            browser.press("Enter")
            browser.settle()
        for _ in range(options.zoom):
            browser.run("document.getElementById('closer').click()")
        browser.settle()
        options.picture.write_bytes(browser.picture())
        print(*browser.complaints(), sep="\n")


if __name__ == "__main__":
    main()
