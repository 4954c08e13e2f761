"""The stepper in a real browser: Chromium without a window, driven by Selenium, with axe-core's eyes."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.viz.examples import Example, broadcast, leaf, network, neuron, product, shared
from tests.viz.test_dot import HOSTILE
from tinygrad_edu import Tensor
from viz import stepper
from viz.labels import printable
from viz.numbers import shown

selenium = pytest.importorskip("selenium", reason="selenium drives the browser: pip install selenium")
axe = pytest.importorskip("axe_core_python.selenium", reason="axe-core finds faults: pip install axe-core-python")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no Chromium with its driver: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run"):
        options.add_argument(argument)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium refuses root otherwise
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Page:
    """The opened page, as a learner meets it."""

    def __init__(self, browser: Any, path: Path, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        self.browser, self.path = browser, path
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        calm = {"name": "prefers-reduced-motion", "value": "reduce"}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme, calm]})
        for kind in ("browser", "performance"):
            browser.get_log(kind)
        browser.get(path.as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def press(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def click(self, identity: str) -> None:
        self.browser.find_element("id", identity).click()

    def texts(self, selector: str) -> list[str]:
        return list(
            self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent.trim())", selector)
        )

    @property
    def now(self) -> int:
        return int(self.run("return Number(document.getElementById('slider').value)"))

    @property
    def last(self) -> int:
        return int(self.run("return Number(document.getElementById('slider').max)"))

    @property
    def card(self) -> str:
        (text,) = self.texts("section.card:not([hidden])")
        return text

    def boxes(self) -> dict[str, list[str]]:
        """By the name of each box, the texts in it that are seen."""
        return dict(
            self.run(
                "return Object.fromEntries([...document.querySelectorAll('#graph .box')].map(box => ["
                "box.querySelector('.name').textContent,"
                "[...box.querySelectorAll('text:not(.name):not(.unseen)')].map(t => t.textContent)]))"
            )
        )

    def box(self, name: str) -> str:
        """The id of the box with a name."""
        find = "box => box.querySelector('.name').textContent === arguments[0]"
        return str(self.run(f"return [...document.querySelectorAll('#graph .box')].find({find}).id", name))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def requests(self) -> list[str]:
        events = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def faults(self) -> list[str]:
        """What axe-core finds seriously wrong for people who cannot see well, or use no mouse."""
        found = axe.Axe().run(self.browser)["violations"]
        return [f"{v['id']}: {v['help']} {v['nodes'][0]['html']}" for v in found if v["impact"] != "minor"]


def opened(browser: Any, folder: Path, root: Tensor, **options: Any) -> Page:
    return Page(browser, stepper(root, folder / "steps.html"), **options)


def test_keys_lead_through_the_values_and_back_through_the_gradients(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import Keys

    page = opened(browser, tmp_path, product().root)
    assert page.boxes() == {"a": ["value 2"], "b": ["value -3"], "c": ["value 10"], "p": ["a * b"], "out": ["p + c"]}
    page.press(Keys.ARROW_RIGHT)
    assert page.boxes()["p"] == ["a * b", "value -6"]
    assert "p = a * b = 2 * (-3) = -6" in page.card
    page.press(Keys.SPACE, Keys.ARROW_RIGHT)
    assert page.boxes()["out"] == ["p + c", "value 4", "grad 1"]
    assert page.boxes()["a"] == ["value 2"]  # not computed yet, and so not there
    page.press(Keys.END)
    assert (page.now, page.last) == (8, 8)
    assert page.boxes()["a"] == ["value 2", "grad -3"]
    assert page.texts("#graph .flow:not(.unseen)") == ["-3", "2", "1", "1"]
    page.press(Keys.ARROW_RIGHT)
    assert page.now == 8
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert page.boxes()["a"] == ["value 2"]
    page.press(Keys.HOME)
    assert page.now == 0


@pytest.mark.parametrize("make", [product, shared, neuron, broadcast])
def test_clicks_lead_to_the_gradients_of_the_engine(make: Callable[[], Example], browser: Any, tmp_path: Path) -> None:
    example = make()
    page = opened(browser, tmp_path, example.root)
    for step in range(page.last):
        assert page.now == step
        page.click("next")
    assert page.run("return document.getElementById('next').disabled")
    seen = page.boxes()
    for name, gradient in example.gradients().items():
        page.click(page.box(name))
        assert shown(gradient) in page.texts("section.about:not([hidden]) dd")
        if gradient.ndim == 0:
            assert seen[name][-1] == f"grad {shown(gradient)}"
    page.click("back")
    page.click("first")
    assert page.now == 0


def test_contributions_visibly_add_up_where_a_value_is_shared(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, shared().root)
    page.run("show(arguments[0])", page.last - 2)
    assert page.boxes()["a"] == ["value 2", "grad 1 + 2 = 3"]
    page.click("next")
    assert page.boxes()["a"] == ["value 2", "grad 3 + 2 = 5"]
    page.click("next")
    assert page.boxes()["a"] == ["value 2", "grad 5"]


def test_what_is_lit_is_what_the_step_is_about(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, product().root)
    page.click("next")
    assert page.texts("#graph .box.lit .name") == ["p"]
    assert len(page.texts("#graph .link.lit")) == 2
    page.run("show(6)")
    assert page.texts("#graph .box.lit .name") == ["a", "p"]
    assert page.texts("#graph .link.lit .flow") == ["-3"]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1024, 600), (800, 400), (360, 720)])
def test_what_is_lit_is_in_the_window_without_scrolling_the_page(
    width: int, height: int, browser: Any, tmp_path: Path
) -> None:
    example, calls = network()
    path = stepper(example.root, tmp_path / "steps.html", model=calls, depth=2)
    page = Page(browser, path, width=width, height=height)
    for step in range(page.last + 1):
        page.run("show(arguments[0])", step)
        hidden = page.run(
            "const outer = picture.getBoundingClientRect(), low = Math.min(outer.bottom, innerHeight);"
            "const lit = [...document.querySelectorAll('#graph .box.lit')];"
            "const inside = b => b.top >= outer.top - 1 && b.bottom <= low + 1;"
            "return lit.length > 2 ? [] : lit.slice(-1).filter(box => !inside(box.getBoundingClientRect()))"
            ".map(box => box.textContent)"
        )
        assert hidden == [], step


def test_no_kind_of_box_is_told_by_colour_alone(browser: Any, tmp_path: Path) -> None:
    example, calls = network()
    page = Page(browser, stepper(example.root, tmp_path / "steps.html", model=calls, expand="0"))
    page.run("for (const lit of document.querySelectorAll('.lit')) lit.classList.remove('lit')")
    looks = page.run(
        "return Object.fromEntries(['leaf', 'constant', 'op', 'root', 'module'].map(kind => {"
        "const s = getComputedStyle(document.querySelector(`.${kind} .frame`));"
        "return [kind, [s.strokeWidth, s.strokeDasharray, s.outlineStyle].join()] }))"
    )
    assert len(set(looks.values())) == 5, looks


def test_maps_have_a_word_above_them_and_stand_in_the_middle_of_it(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, broadcast().root)
    page.run("show(last)")
    places = page.run(
        "const middle = e => { const r = e.getBoundingClientRect(); return (r.left + r.right) / 2 };"
        "return [...document.querySelectorAll('#graph .box')].map(box => [...box.querySelectorAll('.map:not(.unseen)')]"
        ".map(map => Math.min(...[...box.querySelectorAll('text:not(.unseen)')]"
        ".filter(text => ['value', 'grad'].includes(text.textContent))"
        ".map(text => Math.abs(middle(text) - middle(map)))))).flat()"
    )
    assert len(places) == 6  # values and gradients of M, of what is made of it, and of its square
    assert max(places) < 1


def test_the_slider_goes_anywhere_by_its_own_keys(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import Keys

    page = opened(browser, tmp_path, product().root)
    slider = browser.find_element("id", "slider")
    slider.send_keys(Keys.ARROW_RIGHT)
    slider.send_keys(Keys.ARROW_RIGHT)
    assert page.now == 2
    assert "out = p + c" in page.card
    assert str(slider.get_attribute("aria-valuetext")).startswith("Step 2 of 8. out = p + c")


def test_all_of_it_works_by_keyboard_alone_and_is_told_to_who_listens(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import Keys

    page = opened(browser, tmp_path, shared().root)
    for _ in range(12):
        page.press(Keys.TAB)
        if page.run("return document.activeElement.matches('.box')"):
            break
    assert page.run("return document.activeElement.getAttribute('aria-label')") == "a, value 2"
    page.press(Keys.ENTER)
    assert "It is used 3 times" in page.texts("section.about:not([hidden])")[0]
    assert "It is used 3 times" in page.texts("#said")[0]
    assert page.now == 0
    page.press(Keys.END)
    assert page.texts("#said")[0].startswith(f"Step {page.last} of {page.last}. All gradients are known.")
    assert page.run("return document.activeElement.getAttribute('aria-label')") == "a, value 2, grad 5"
    assert page.run("return getComputedStyle(document.activeElement.querySelector('.frame')).outlineStyle") == "solid"


def lengthy() -> Example:
    """Names as long as those of real parameters."""
    x = leaf([0.123456, -0.234567, 0.345678, 1e-9, 1, 2], "encoder.layer_norm.1")
    return Example((x * x * x).sum(), {"encoder.layer_norm.1": x})


@pytest.mark.parametrize("make", [product, shared, broadcast, lengthy])
def test_a_phone_shows_all_of_it(make: Callable[[], Example], browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, make().root, width=375, height=740)
    for _ in range(page.last):
        page.click("next")
        assert page.run("return document.documentElement.scrollWidth") <= 375
    for identity in ("first", "back", "slider", "next", "end"):
        place = browser.find_element("id", identity).rect
        assert place["height"] >= 44
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= 375
    assert (
        page.run("return Math.min(...[...document.querySelectorAll('#graph text')].map(t => t.getScreenCTM().a))") > 0.8
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", [product, shared, broadcast])
def test_axe_finds_no_serious_fault(make: Callable[[], Example], dark: bool, browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, make().root, dark=dark)
    for step in (0, 1, page.last - 1, page.last):
        page.run("show(arguments[0])", step)
        page.run("document.querySelector('#graph .box').dispatchEvent(new Event('click'))")
        assert page.faults() == []


def test_texts_stand_inside_their_boxes_and_boxes_beside_each_other(browser: Any, tmp_path: Path) -> None:
    """As the browser draws them, with the fonts that it has."""
    for make in (product, shared, neuron, broadcast):
        page = opened(browser, tmp_path, make().root)
        page.press("\ue010")  # End
        outside = page.run(
            "return [...document.querySelectorAll('#graph .box')].flatMap(box => {"
            "  const frame = box.querySelector('.frame').getBoundingClientRect();"
            "  return [...box.querySelectorAll('text, .map')].filter(t => {"
            "    const r = t.getBoundingClientRect();"
            "    const high = r.top < frame.top || r.bottom > frame.bottom + 1;"
            "    return high || r.left < frame.left || r.right > frame.right;"
            "  }).map(t => t.textContent);"
            "})"
        )
        assert outside == []
        overlapping = page.run(
            "const r = [...document.querySelectorAll('#graph .box .frame')].map(f => f.getBoundingClientRect());"
            "return r.filter((a, i) => r.some((b, j) => i < j && a.left < b.right && b.left < a.right"
            " && a.top < b.bottom && b.top < a.bottom)).length"
        )
        assert overlapping == 0


def test_a_network_is_walked_by_its_modules(browser: Any, tmp_path: Path) -> None:
    example, calls = network()
    page = Page(browser, stepper(example.root, tmp_path / "steps.html", model=calls))
    assert page.boxes().keys() == {"x", "t", "0", "1", "2", "3", "loss"}
    page.press("\ue010")
    for name, gradient in example.gradients().items():
        page.click(page.box(name.partition(".")[0]))
        assert shown(gradient) in page.texts("section.about:not([hidden]) dd")
    assert page.complaints() == []
    example, calls = network()
    page = Page(browser, stepper(example.root, tmp_path / "open.html", model=calls, expand="0"))
    assert {"0.weight", "0.bias", "1", "2", "3"} < page.boxes().keys()


def test_on_paper_the_picture_is_whole_and_every_step_is_told(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, shared().root, width=794, height=1123)
    page.run("show(4)")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        seen = "e => getComputedStyle(e).visibility === 'visible' && e.getClientRects().length > 0"
        cards, grads, boxes = page.run(
            f"const seen = {seen}, all = s => [...document.querySelectorAll(s)].filter(seen).length;"
            "return [all('.card'), all('#graph .box .grad'), all('#graph .box')]"
        )
        assert (cards, grads) == (page.last + 1, boxes)
        assert page.run("return picture.scrollWidth <= picture.clientWidth && picture.scrollHeight <= innerHeight")
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_names_of_any_kind_are_text(browser: Any, tmp_path: Path) -> None:
    for i, name in enumerate(HOSTILE):
        x = leaf(2, name)
        y = x * 3
        y.name = name
        page = Page(browser, stepper(y, tmp_path / f"{i}.html", title=name))
        page.press("\ue010")
        assert page.now == page.last
        first = " ".join(page.texts("#graph .box .name")[0].split())
        assert first == " ".join(printable(printable(name, 20), 24).split()) or not printable(name)
        assert page.run("return document.scripts.length") == 2
        assert page.run("return window.hacked") is None
        assert page.complaints() == []


def test_nothing_is_asked_of_any_network_and_nothing_goes_wrong(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, broadcast().root)
    for _ in range(page.last):
        page.click("next")
    assert page.complaints() == []
    assert set(page.requests()) == {page.path.as_uri()}
    page.run("fetch('https://example.com').catch(() => null)")
    assert "Content Security Policy" in " ".join(page.complaints())  # which is what forbids it
