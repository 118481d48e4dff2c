#!/usr/bin/python3
"""browser.py - drives a headless Chromium by its debugging pipe, for tests/sandboxed/cert-programs.sh.

usage: browser.py PROFILE URL [USER PASSWORD] [--until REGEX] [--shot FILE.png]
Prints the page's text, as soon as REGEX is in it (or after 20 s without). USER and PASSWORD answer the
site's question for them.
"""
import argparse
import base64
import json
import os
import re
import subprocess
import sys
import time

LIMIT_S = 40
SHOWN_S = 20

# What a browser that has just started may say of its own set-up, not of the site: asked again.
UNSETTLED = ("net::ERR_NETWORK_CHANGED", "net::ERR_CERT_DATABASE_CHANGED")


class Pipe:
    """Messages of the DevTools protocol, each ended by a NUL (--remote-debugging-pipe)."""

    def __init__(self, argv):
        to_them, self.out = os.pipe()
        self.inn, from_them = os.pipe()

        # The browser reads from 3 and writes to 4, whatever numbers they have here.
        def place():
            a, b = os.dup2(to_them, 20), os.dup2(from_them, 21)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.browser = subprocess.Popen(argv, preexec_fn=place, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(os.environ.get("BROWSER_LOG", os.devnull), "ab"))
        os.close(to_them)
        os.close(from_them)
        os.set_blocking(self.inn, False)
        self.rest, self.number, self.until = b"", 0, time.monotonic() + LIMIT_S

    def read(self):
        while b"\0" not in self.rest:
            if time.monotonic() > self.until or self.browser.poll() is not None:
                sys.exit("browser.py: the browser does not answer")
            try:
                self.rest += os.read(self.inn, 1 << 16)
            except BlockingIOError:
                time.sleep(0.02)
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def send(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        return self.number

    def ask(self, method, session=None, on_event=None, **params):
        number = self.send(method, session, **params)
        while True:
            m = self.read()
            if m.get("id") == number:
                return m.get("result", {})
            if on_event:
                on_event(m)


def visit(pipe, url, user, password):
    target = pipe.ask("Target.createTarget", url="about:blank")["targetId"]
    session = pipe.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    state = {"loaded": False, "asked": 0}

    def on_event(m):
        params = m.get("params", {})
        if m.get("method") == "Fetch.requestPaused":
            pipe.send("Fetch.continueRequest", session, requestId=params["requestId"])
        elif m.get("method") == "Fetch.authRequired":
            state["asked"] += 1
            answer = {"response": "CancelAuth"}
            if user and state["asked"] == 1:
                answer = {"response": "ProvideCredentials", "username": user, "password": password}
            pipe.send("Fetch.continueWithAuth", session, requestId=params["requestId"], authChallengeResponse=answer)
        elif m.get("method") == "Page.loadEventFired":
            state["loaded"] = True

    pipe.ask("Page.enable", session)
    if user is not None:
        pipe.ask("Fetch.enable", session, handleAuthRequests=True)
    failed = pipe.ask("Page.navigate", session, on_event, url=url).get("errorText")
    while not failed and not state["loaded"]:
        on_event(pipe.read())
    return session, failed


# Also what stands in the shadow trees that the browser's own pages are made of.
TEXT = """(() => { const walk = n => (n.nodeType == 3 ? n.data + '\\n' : '') +
  [...(n.shadowRoot ? [n.shadowRoot] : []), ...n.childNodes].filter(c => !['STYLE', 'SCRIPT'].includes(c.nodeName))
    .map(walk).join(''); return walk(document.body || document); })()"""


def text_of(pipe, session, until):
    """The page's text; pages that their own scripts fill need a moment."""
    end = time.monotonic() + SHOWN_S
    while True:
        result = pipe.ask("Runtime.evaluate", session, expression=TEXT, returnByValue=True)
        text = result.get("result", {}).get("value", "")
        if not until or re.search(until, text) or time.monotonic() > end:
            return text
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("profile")
    parser.add_argument("url")
    parser.add_argument("user", nargs="?")
    parser.add_argument("password", nargs="?")
    parser.add_argument("--until")
    parser.add_argument("--shot")
    args = parser.parse_args()
    pipe = Pipe(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--ignore-certificate-errors",
                 "--password-store=basic", "--window-size=900,600", "--remote-debugging-pipe", "--user-data-dir=" + args.profile])
    try:
        for _ in range(5):
            session, failed = visit(pipe, args.url, args.user, args.password)
            if failed not in UNSETTLED:
                break
        if failed:
            print("failed:", failed)
        print(text_of(pipe, session, args.until))
        if args.shot:
            png = pipe.ask("Page.captureScreenshot", session)["data"]
            with open(args.shot, "wb") as f:
                f.write(base64.b64decode(png))
    finally:
        try:
            pipe.send("Browser.close")
            pipe.browser.wait(5)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pipe.browser.kill()


if __name__ == "__main__":
    main()
