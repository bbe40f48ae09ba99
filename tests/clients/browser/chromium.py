"""A Chromium without a window, driven by its DevTools protocol through a pipe. What it is used for, it does not know."""

import base64
import json
import os
import queue
import subprocess
import threading
import time

# How long anything may take. The machine may be slow; what never happens is told by this.
PATIENCE = 120
OPTIONS = (
    "--headless=new --remote-debugging-pipe --disable-gpu --disable-dev-shm-usage --disable-extensions --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync --disable-quic --window-size=1280,900"
).split() + ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]


class Chromium:
    """One page. `requests` are the addresses that it asked for, `complaints` what its console said."""

    def __init__(self, folder):
        commands, self.commands = os.pipe()
        answers, theirs = os.pipe()
        # Chromium reads commands from the third descriptor and writes answers to the fourth.
        program = ["bash", "-c", f'exec chromium "$@" 3<&{commands} 4>&{theirs}', "bash", f"--user-data-dir={folder}"]
        # Its sandbox is not for root.
        program += OPTIONS + (["--no-sandbox"] if os.getuid() == 0 else [])
        nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        self.process = subprocess.Popen(program, pass_fds=(commands, theirs), **nowhere)
        os.close(commands)
        os.close(theirs)
        self.said = queue.Queue()
        threading.Thread(target=self.listen, args=(answers,), daemon=True).start()
        self.count, self.session = 0, None
        self.requests, self.complaints = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session = None
        try:
            self.call("Browser.close")
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()

    def listen(self, answers):
        """Each message ends with a zero byte."""
        rest = b""
        while piece := os.read(answers, 1 << 20):
            *messages, rest = (rest + piece).split(b"\0")
            for message in messages:
                self.said.put(json.loads(message))
        self.said.put({"id": None, "error": "Chromium ended"})

    def call(self, method, **parameters):
        """Gives a command, and waits for its answer."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while (answer := self.said.get(timeout=PATIENCE)).get("id", 0) not in (self.count, None):
            self.note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def note(self, event):
        told = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(told["exceptionDetails"])
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.complaints.append(told["entry"])

    def open(self, address):
        self.call("Page.navigate", url=address)

    def value(self, expression):
        """What an expression gives in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression):
        """Waits until an expression gives something that is neither empty nor false."""
        end = time.monotonic() + PATIENCE
        while not (value := self.value(expression)):
            if time.monotonic() > end:
                said = self.value("document.body?.innerText")
                raise TimeoutError(f"{expression}\nThe page says: {said}\nThe browser complains of {self.complaints}")
            time.sleep(0.1)
        return value

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
