"""Drives headless Chromium through its driver's own protocol: JSON over HTTP on this machine.

Only what the page's tests need; the standard library can speak it, so there is no further
dependency. The browser gets a profile of its own and looks nothing up.
"""
import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request

DRIVER, BROWSER = "chromedriver", "chromium"
TIMEOUT = 300
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that the protocol names elements with
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--hide-scrollbars"]
KEYS = {"ArrowLeft": "\ue012", "ArrowRight": "\ue014", "Home": "\ue011", "End": "\ue010"}


def is_installed():
    return bool(shutil.which(DRIVER) and shutil.which(BROWSER))


class Browser:
    """One window."""

    def __init__(self, width=1280, height=900, dark=False):
        self.profile = tempfile.TemporaryDirectory(prefix="tern-browser-")
        self.process = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        try:
            self.server = f"http://127.0.0.1:{self._port()}"
            arguments = ARGUMENTS + [f"--user-data-dir={self.profile.name}",
                                     f"--window-size={width},{height}"]
            arguments += ["--force-dark-mode"] if dark else []
            self.session = ""
            answer = self.request("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {"binary": shutil.which(BROWSER), "args": arguments}}}})
            self.session = f"/session/{answer['sessionId']}"
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.request("DELETE", "")
        finally:
            self.close()

    def close(self):
        self.process.terminate()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()
        self.profile.cleanup()

    def _port(self):
        for line in self.process.stdout:
            found = re.search(r"successfully on port (\d+)", line)
            if found:
                return int(found[1])
        raise RuntimeError(f"{DRIVER} did not start")

    def request(self, method, path, body=None):
        content = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.server + getattr(self, "session", "") + path, content, method=method,
            headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    # -------------------------------------------------------------------------- what tests do

    def open(self, path, fragment=""):
        self.request("POST", "/url", {"url": f"file://{os.path.abspath(path)}{fragment}"})

    def run(self, script, *arguments):
        """The value of a JavaScript expression."""
        return self.request("POST", "/execute/sync",
                            {"script": f"return ({script});", "args": arguments})

    def text(self, selector):
        return self.run("document.querySelector(arguments[0]).textContent", selector)

    def find(self, selector):
        return self.request("POST", "/element",
                            {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.request("POST", f"/element/{self.find(selector)}/click", {})

    def press(self, *keys):
        actions = [action for key in keys for action in (
            {"type": "keyDown", "value": KEYS.get(key, key)},
            {"type": "keyUp", "value": KEYS.get(key, key)})]
        self.request("POST", "/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def click_at(self, selector, x, y):
        """Click so far from the middle of an element."""
        origin = {ELEMENT: self.find(selector)}
        self.request("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "origin": origin, "x": x, "y": y},
            {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]}]})

    def command(self, name, **parameters):
        """A command of the browser's debugging protocol."""
        return self.request("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def emulate(self, scheme="light", width=0):
        """Colour scheme, and a phone's width."""
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": scheme}])
        if width:
            self.command("Emulation.setDeviceMetricsOverride", width=width, height=800,
                         deviceScaleFactor=1, mobile=True)

    def complaints(self):
        """What the console says that is not mere information."""
        return [entry["message"] for entry in self.request("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path, whole=False):
        options = {"captureBeyondViewport": True}
        if whole:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {**size, "x": 0, "y": 0, "scale": 1}
        data = base64.b64decode(self.command("Page.captureScreenshot", **options)["data"])
        with open(path, "wb") as file:
            file.write(data)
        return data
