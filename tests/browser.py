"""A real Chromium, one for the session: what it shows, what it asks for, and where it would have been attacked."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

NODE = Path(__file__).parent / "tools" / "node_modules"
# The first four because the tests run as root and without a screen; the others ask Chromium to leave the network alone.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# A dialog would stop the test; this remembers it instead, in every page before its own scripts.
TRAP = "window.dialogs = []; for (const name of ['alert', 'confirm', 'prompt']) window[name] = (text) => { dialogs.push(text); };"
PHONE, DESKTOP = 320, 1280


class Browser:
    """A page at a time."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def look(self, url: str, width: int = DESKTOP, scheme: str = "light", scripts: bool = True) -> None:
        """Open a page in a window of a width, in light or dark, with or without its scripts."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.wear(scheme)
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        self.driver.get(url)

    def wear(self, scheme: str) -> None:
        """Show the page in light or dark."""
        chosen = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        media = {"features": [{"name": name, "value": value} for name, value in chosen.items()]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def click(self, text: str) -> None:
        """Follow the link that reads so."""
        self.driver.find_element(By.PARTIAL_LINK_TEXT, text).click()

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    @property
    def text(self) -> str:
        return self.one("main").text

    @property
    def path(self) -> str:
        parts = urlsplit(self.driver.current_url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def asked(self) -> list[str]:
        """Every address of a network that was asked for since the last call, also those that were refused."""
        said = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        urls = [one["params"]["request"]["url"] for one in said if one["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith("data:")]

    def complaints(self) -> list[str]:
        """What the console says since the last call: errors, and what the content security policy stopped."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def faults(self, rules: str = "") -> list[str]:
        """What axe-core finds wrong for people with disabilities, by all rules or those of a tag: the rule and who breaks it."""
        found = self.driver.execute_async_script(
            "const [rules, done] = arguments, only = rules ? {runOnly: [rules]} : {};"
            "axe.run(document, {resultTypes: ['violations'], ...only})"
            ".then((r) => done(r.violations), (e) => done([{id: String(e), nodes: []}]))",
            rules,
        )
        return [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:2]]}" for one in found]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser; skips where there is none."""
    for tool in ("chromium", "chromedriver"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(30)
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": TRAP})
    try:
        yield Browser(driver)
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def node() -> Path:
    """The directory of the tools from npm; skips where they are not installed."""
    if not (NODE / "axe-core").is_dir():
        pytest.skip("no tools from npm: make tools")
    return NODE
