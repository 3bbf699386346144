"""The page for people, in headless Chromium."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium, which is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, demo_url: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(f"{demo_url}/")
    page.wait_for_selector("body[data-ready]")
    yield page
    page.close()
    assert problems == []


def screenshot(page: Page) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
    data = page.locator("#map").screenshot()
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8)


def test_the_page_shows_a_layer_with_its_styles_and_times(page: Page) -> None:
    layers = page.locator("#layer option").all_text_contents()
    assert len(layers) == 2
    page.select_option("#layer", "S2_L2A")
    styles = page.locator("#style option").all_text_contents()
    assert any("NDVI" in style for style in styles)
    assert page.locator("#time option").count() > 100
    expect(page.locator("#state")).to_have_text(re.compile(r"Revision [1-9]\d*"))


def test_the_map_shows_pixels_and_a_style_changes_them(page: Page) -> None:
    page.select_option("#layer", "S2_L1C")
    natural = screenshot(page)
    middle = natural[300:500, 300:500]
    assert middle.std() > 8, "the middle of the map is of one colour"
    page.select_option("#style", "ndvi")
    index = screenshot(page)
    assert np.abs(index.astype(int) - natural.astype(int)).mean() > 5


def test_times_step_with_the_buttons(page: Page) -> None:
    page.select_option("#layer", "S2_L2A")
    newest = page.locator("#time").input_value()
    page.click("#earlier")
    earlier = page.locator("#time").input_value()
    assert earlier != newest
    page.click("#later")
    assert page.locator("#time").input_value() == newest


def test_the_address_keeps_the_choice(page: Page, demo_url: str) -> None:
    page.select_option("#layer", "S2_L2A")
    page.select_option("#style", "ndvi")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    assert address.startswith(demo_url)
    assert page.locator("#layer").input_value() == "S2_L2A"
    assert page.locator("#style").input_value() == "ndvi"


def test_addresses_to_paste_are_those_of_this_server(page: Page, demo_url: str) -> None:
    text = page.locator("#addresses").inner_text()
    assert f"{demo_url}/ows?service=WMS" in text
    assert f'copernicube.open("{demo_url}/")' in text


@pytest.mark.parametrize("layer", ["S2_L1C", "S2_L2A"])
def test_what_is_copied_works_where_it_is_pasted(page: Page, demo_url: str, layer: str) -> None:
    page.select_option("#layer", layer)
    page.wait_for_timeout(500)
    titles = page.locator("#addresses dt").all_inner_texts()
    codes = page.locator("#addresses dd code").all_inner_texts()
    copied = dict(zip(titles, codes, strict=True))
    query = copied.pop("WCPS query")
    line = copied.pop("Jupyter")
    for address in copied.values():
        place = address.replace("{z}/{x}/{y}", "0/0/0").replace(" ", "%20")
        assert requests.get(place, timeout=60).status_code == 200, address
    reply = requests.get(f"{demo_url}/ows", params={"query": query}, timeout=60)
    assert reply.headers["content-type"] == "image/tiff"
    done = subprocess.run(
        [sys.executable, "-c", f"{line.replace('; ', chr(10) + 'print(')})"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "<xarray.Dataset>" in done.stdout


def test_a_failing_map_says_why(browser: Browser, demo_url: str) -> None:
    reason = "the request would decode 9 GB; 4 GB are allowed"
    exception = f"<ServiceException>{reason}</ServiceException>"
    report = f"<ServiceExceptionReport>{exception}</ServiceExceptionReport>"
    page = browser.new_page()
    page.route(
        re.compile("REQUEST=GetMap"),
        lambda route: route.fulfill(status=413, content_type="text/xml", body=report),
    )
    page.goto(f"{demo_url}/")
    expect(page.locator("#message")).to_have_text(reason)
    page.close()
