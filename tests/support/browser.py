"""What tests ask of a page in a browser: whether its texts are read, and where the keys are."""

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect, sync_playwright

# texts of a page, in closed dialogs, placeholders and before and after elements too, whose contrast
# with what lies behind them is below that of WCAG AA
PALE_TEXTS = r"""() => {
  const light = colour => colour.map(part => part / 255)
    .map(part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [.2126, .7152, .0722][at], 0);
  const parts = text => text.match(/[\d.]+/g).map(Number);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3]) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const pale = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const check = (text, colour, one) => {
    const [high, low] = [parts(colour).slice(0, 3), behind(one)].map(light).sort((a, b) => b - a);
    if ((high + .05) / (low + .05) < 4.5) pale.push(text);
  };
  const closed = [...document.querySelectorAll("dialog:not([open])")];
  for (const one of closed) one.setAttribute("open", "");
  for (const one of document.querySelectorAll("main *")) {
    if (!one.checkVisibility() || one.closest("[disabled]")) continue;
    if (one.placeholder) check(one.placeholder, getComputedStyle(one, "::placeholder").color, one);
    for (const style of ["::before", "::after"].map(part => getComputedStyle(one, part)))
      if (/^".+"/.test(style.content)) check(style.content, style.color, one);
  }
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), one = walk.currentNode.parentElement;
    if (!text || !one.checkVisibility() || one.closest("[disabled]")) continue;
    const style = getComputedStyle(one);
    check(text, one.closest("svg") ? style.fill : style.color, one);
  }
  for (const one of closed) one.removeAttribute("open");
  return pale;
}"""

# what has the focus, and whether it is seen to have it; a control by its label
FOCUSED = r"""() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const label = one.labels?.[0]?.textContent ?? "";
  return {
    name: `${one.ariaLabel ?? ""} ${label} ${one.textContent}`.replace(/\s+/g, " ").trim(),
    isSeen: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none" && box.width > 0
      && box.bottom > 0 && box.top < innerHeight,
  };
}"""


@contextmanager
def open_chromium(*, patience_ms):
    """Open Debian's Chromium; whatever a test expects of a page is waited for so long."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no browser; apt-get install chromium")
    expect.set_options(timeout=patience_ms)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def tab_to(page, name, *, back=False):
    """Press Tab until what begins with a name has the focus; what has it on the way shows it."""
    page.wait_for_load_state()                       # its scripts have run
    for _ in range(80):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["isSeen"], focused
        if focused["name"].startswith(name):
            return
    raise AssertionError(f"no {name} within 80 steps")
