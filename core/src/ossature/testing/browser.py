"""A real browser on the application, answering real HTTP."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from re import Pattern
from typing import TYPE_CHECKING

from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from werkzeug.serving import make_server

from ossature.testing.needs import need
from ossature.testing.people import Person

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# What Playwright turns off (its `chromiumSwitches`), said again since Chromium heeds the last such list alone; and the two
# pages behind the address bar, which nobody sees here: loading them takes half of the time that a new window takes.
_WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
)
# Nothing that talks to the network by itself, and nothing that a container forbids.
FLAGS = (
    f"--disable-features={','.join(_WITHOUT)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Milliseconds that `expect` waits: a machine with other work is slow, not wrong.
PATIENCE = 15_000
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_program() -> str | None:
    """`OSSATURE_CHROMIUM`, else the Chromium on the path."""
    named = os.environ.get("OSSATURE_CHROMIUM")
    return named or next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    program = chromium_program()
    if program is None:
        need("Chromium is not installed; install it or name it with OSSATURE_CHROMIUM")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving(app: Flask, port: int) -> Iterator[None]:
    """Serve an application from threads of this process."""
    server = make_server("127.0.0.1", port, _closing(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _closing(app: WSGIApplication) -> WSGIApplication:
    """The application, whose answers are closed also where a browser breaks one off: Werkzeug's server leaves the file
    of a picture open then, and whichever test runs when that is noticed would fail."""

    def call(environ: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
        answer = app(environ, start)
        try:
            yield from answer
        finally:
            if hasattr(answer, "close"):
                answer.close()

    return call


@contextmanager
def open_screen(
    browser: Browser,
    base_url: str,
    person: Person | None,
    path: str,
    *,
    width: int = 1440,
    height: int = 900,
    dark: bool = False,
    locale: str = "en",
) -> Iterator[Page]:
    """A page with cookies of its own. Errors of the page's scripts fail the test when it ends."""
    url = person.tenant.url if person else base_url
    surroundings = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale=locale,
        reduced_motion="reduce",
    )
    try:
        if person:
            domain = url.partition("://")[2].partition(":")[0]
            cookie = person.page.get_cookie("ossature_session", domain=domain)
            if cookie is None:
                raise AssertionError(f"{person.email} has no session cookie for {domain}")
            surroundings.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])
        page = surroundings.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path)
        yield page
        if errors:
            raise AssertionError("the page's scripts raised: " + "; ".join(errors))
    finally:
        surroundings.close()


def until(page: Page, true: str) -> None:
    """Wait until a JavaScript expression is true.

    `page.wait_for_function` asks a second time from within the page, whose content security policy forbids that.
    """
    for _attempt in range(PATIENCE // 50):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {true}")


def intercept(page: Page, address: str | Pattern[str], came: Callable[[Route], None], times: int | None = None) -> None:
    """Hand requests of an open page to `came`, from the next one on.

    A page sends requests by itself for a moment after `page.route` has returned.
    """
    seen: list[Route] = []

    def answer(route: Route) -> None:
        seen.append(route)
        route.fulfill(status=204)

    page.route(address, came, times=times)
    page.route("**/intercepted", answer, times=1)
    while not seen:
        page.evaluate("fetch('/intercepted', {method: 'HEAD'}).then(() => null)")


class Held:
    """Requests of a page that get no answer before `let_go`, for what somebody may do while one is on its way."""

    def __init__(self, page: Page, address: str | Pattern[str]) -> None:
        self._page = page
        self._waiting: list[Route] = []
        self._open = False
        intercept(page, address, self._came)

    def _came(self, route: Route) -> None:
        if self._open:
            route.continue_()
        else:
            self._waiting.append(route)

    def came(self) -> None:
        """Wait until one has been sent."""
        for _attempt in range(3000):
            if self._waiting:
                return
            self._page.wait_for_timeout(10)
        raise AssertionError("the page sent no such request")

    def let_go(self) -> None:
        """Once one has been sent, let it and those after it be answered."""
        self.came()
        self._open = True
        while self._waiting:
            self._waiting.pop(0).continue_()
