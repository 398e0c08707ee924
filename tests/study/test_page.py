"""The page of `make study` in headless Chromium: it loads, steps, shows the benchmark's totals."""
import os
import zlib

import browser
import pytest
import toolbox

import bench
import qemu

BUILD = os.environ.get("BUILD", os.path.join(toolbox.TOP, "build"))
PAGE = os.path.join(BUILD, "study", "index.html")

pytestmark = pytest.mark.skipif(
    not browser.is_installed() and not os.environ.get("CI"),
    reason="chromium and chromedriver are not installed: scripts/install-deps.sh test")


@pytest.fixture(scope="module", name="window")
def fixture_window():
    assert os.path.exists(PAGE), f"there is no {PAGE}: make study"
    with browser.Browser() as window:
        yield window


@pytest.fixture(name="page")
def fixture_page(window):
    """The page afresh, at its first instruction; whatever a test does, nothing may complain."""
    window.emulate()
    window.open("/dev/null")
    window.open(PAGE)
    yield window
    assert window.complaints() == []


def position(page):
    return page.text("#position")


def tile(page, name):
    return page.run("document.querySelector(`[data-tile='${arguments[0]}']`).firstChild.data", name)


def test_page_draws_every_section(page):
    assert position(page) == "1 of 190"
    for selector in ("#timeline svg rect", "#listing .row.here", "#registers div", "#steps table",
                     "#memory .field", "#code-lines .square", "#words svg", "#compare svg",
                     "#kernels tr:nth-child(5)", "#source .here"):
        assert page.run("document.querySelector(arguments[0]) !== null", selector), selector
    assert page.run("document.getElementById('base-section').hidden"
                    " === (JSON.parse(document.getElementById('data').textContent).base === null)")


def test_keys_step(page):
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert position(page) == "4 of 190"
    assert page.text("#listing .here").endswith("csrrw\u00a0\u00a0tp,sscratch,tp")
    page.press("ArrowLeft")
    assert position(page) == "3 of 190"
    page.press("]", "]")
    assert page.text("#instruction-name").endswith("2. Look the handle up")
    page.press("End")
    assert position(page) == "190 of 190"
    page.press("3")
    assert position(page).endswith("of 458")


def test_clicks_step(page):
    page.click("#next")
    assert position(page) == "2 of 190"
    page.click("#listing .row:nth-of-type(8)")
    assert page.run("Number(document.querySelector('#listing .here').dataset.step)") > 2
    page.click_at("#timeline svg", 0, 0)
    assert 80 < int(position(page).split()[0]) < 110
    page.click("[data-scenario=handle]")
    assert position(page).startswith("1 of ")


def test_registers_that_change_are_marked(page):
    page.press("ArrowRight", "ArrowRight", "ArrowRight")
    changed = page.run("[...document.querySelectorAll('#registers .changed')]"
                       ".map((cell) => cell.dataset.register)")
    assert changed == ["tp", "sscratch"]
    assert "harts[0]" in page.text("[data-register=tp]")


def test_totals_are_the_benchmarks(page):
    bundle = os.path.join(BUILD, "bundle", "bench.tar")
    kernel = os.path.join(BUILD, "kernel.elf")
    figures = bench.run_trace(kernel, bundle, os.path.join(BUILD, "study", "trace.json"))
    console = qemu.run_to_end(kernel, bundle, timeout=900, append="study=1")
    figures |= bench.parse_console(console)
    shown = {name: int(tile(page, title)) for name, title in (
        ("roundtrip", "instructions"), ("call_oneway", "call"), ("reply_oneway", "reply"),
        ("fastpath_dlines", "data lines"), ("fastpath_ilines", "code lines"))}
    assert shown == figures
    assert page.text("#steps .total td:nth-child(2)") == str(figures["call_oneway"])


def test_every_scenario_can_be_walked_from_end_to_end(page):
    for name in page.run("[...document.querySelectorAll('[data-scenario]')]"
                         ".map((tab) => tab.dataset.scenario)"):
        page.click(f"[data-scenario={name}]")
        page.press("End", "ArrowLeft", "[")
        assert page.text("#effect").strip()


def test_two_scenarios_stand_side_by_side(page):
    assert page.run("document.querySelectorAll('#compare svg[role=img]').length") == 2
    page.run("(() => { const right = document.getElementById('right'); right.value = 'same';"
             "right.dispatchEvent(new Event('change')); })()")
    assert "one address space" in page.text("#compare")


def colours(picture):
    """How many different scan lines a PNG has: one or two in a blank one."""
    data, at, packed = picture[8:], 0, b""
    while at < len(data):
        length, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    width = int.from_bytes(picture[16:20], "big")
    channels = {2: 3, 6: 4}[picture[25]]
    pixels, row = zlib.decompress(packed), width * channels + 1
    return len({pixels[start:start + row] for start in range(0, len(pixels), row)})


@pytest.mark.parametrize("name, scheme, width", [
    ("light", "light", 1280), ("dark", "dark", 1280), ("phone", "light", 400), ("tablet", "light", 800)])
def test_screenshots_are_not_blank(page, name, scheme, width):
    page.emulate(scheme, width)
    page.open("/dev/null")
    page.open(PAGE, "#fast:40")
    picture = page.screenshot(os.path.join(BUILD, "study", f"{name}.png"), whole=True)
    assert colours(picture) > 300
    assert page.run("document.documentElement.scrollWidth") <= width
    page.command("Emulation.clearDeviceMetricsOverride")


def test_paper_is_white_and_wide_enough_in_a_dark_room_too(page):
    page.emulate("dark", 700)
    page.command("Emulation.setEmulatedMedia", media="print",
                 features=[{"name": "prefers-color-scheme", "value": "dark"}])
    page.open("/dev/null")
    page.open(PAGE, "#fast:40")
    for selector, limit in (("body", 60), ("#kernels td", 60), ("#provenance", 120)):
        red = page.run("parseInt(getComputedStyle(document.querySelector(arguments[0])).color"
                       ".match(/\\d+/)[0])", selector)
        assert red < limit, selector
    assert page.run("document.querySelector('#kernels table').getBoundingClientRect().right") <= 700
    page.command("Emulation.clearDeviceMetricsOverride")
    page.command("Emulation.setEmulatedMedia", media="", features=[])
