"""`report.html` in a real browser: headless Chromium, as a person uses it.

    cargo build --release
    pip install selenium
    python tests/report/page.py --screenshots target/report

Needs `chromium` and `chromedriver` (Debian packages `chromium`, `chromium-driver`). Makes tables with
known features, runs `prep`, opens the page from the disk, and checks what stands in it: searching,
sorting, the histogram with its two axes, light and dark, a desktop's and a phone's width, names that
look like markup, and that the browser logs no error and asks for nothing but the file itself. Leaves
screenshots for somebody to look at.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

PROJECT = pathlib.Path(__file__).parents[2]
MARKUP = "</script><img src=x onerror=alert(1)>"
# The colours of the first three networks.
ARMS = "ARM_COLORS.slice(0, 3).map(color)"
DESKTOP, PHONE = (1280, 1000), (390, 844)


def table(rows, features):
    rng = np.random.default_rng(7)
    columns = {
        "age": rng.normal(40, 12, rows).round(),
        "income": np.exp(rng.normal(10, 1, rows)),
        "heavy": rng.standard_cauchy(rows),
        "share": (rng.random(rows) < 0.3).astype("i8"),
        "constant": np.full(rows, 3.0),
        "holes": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.6),
        MARKUP: rng.random(rows),
        # The last rows, which --split-by column makes test, lie two standard deviations higher.
        "drifting": np.where(np.arange(rows) < 0.8 * rows, 0.0, 2.0) + rng.normal(size=rows),
    }
    columns |= {f"x{i:04}": rng.normal(i, 1 + i, rows) for i in range(features - len(columns))}
    columns["side"] = np.where(np.arange(rows) < 0.8 * rows, "train", "test")
    return pa.table(columns)


def made(prep, folder, rows, features):
    source, out = folder / "in", folder / "out"
    source.mkdir(parents=True)
    pq.write_table(table(rows, features), source / "a.parquet")
    arguments = ["--in", source, "--out", out, "--split-by", "column:side", "--audit", "--quiet"]
    subprocess.run([prep, "stream", *arguments], check=True)
    return out / "report.html"


def browser(size, scheme):
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Named, so that nothing is looked for on the network.
    options.binary_location = shutil.which("chromium")
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    return driver


def opened(driver, page):
    begin = time.monotonic()
    driver.get(page.as_uri())
    is_drawn = driver.execute_script("return document.documentElement.dataset.drawn")
    assert is_drawn == "true", f"{page} is not drawn"
    return time.monotonic() - begin


def rows(driver):
    return driver.execute_script(
        "return [...document.querySelectorAll('#table tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    )


def names(driver):
    return [row[0] for row in rows(driver)]


def search(driver, text):
    field = driver.find_element(By.ID, "search")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.DELETE)
    field.send_keys(text)


def check_quiet(driver, page):
    """No error in the log, no request but for the page."""
    errors = [entry["message"] for entry in driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert not errors, errors
    asked = set()
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(message["params"]["request"]["url"].split("#")[0])
    assert asked <= {page.as_uri()}, asked


def check_numbers(driver):
    text = driver.find_element(By.ID, "sides").text
    assert "train 16,000 80.0 %" in text and "test 4,000 20.0 %" in text, text
    found = {row[0]: row for row in rows(driver)}
    assert found["constant"][2:6] == ["3", "0", "3", "3"], found["constant"]
    assert found["holes"][6].startswith(("59.", "60.")), found["holes"]
    assert float(found["drifting"][7]) > 0.25 > 0.1 > float(found["age"][7]), found["drifting"]
    assert MARKUP in found, list(found)
    audit = driver.find_element(By.ID, "audit").text
    assert "constant" in audit and "drifting" in audit, audit


def check_axes(driver):
    """The raw axis is the standardized one times scale plus mean, in the same places."""
    driver.execute_script('select(FEATURES.find(f => f.name === "age"), false)')
    axes = driver.execute_script(
        """
        const u = plot, f = list.selected, [z, , raw] = u.axes, of = a => a._splits.map((w, i) => [w, a._values[i]]);
        return {z: of(z), raw: of(raw), mean: f.mean, scale: f.scale};
        """
    )
    assert len(axes["z"]) >= 5 and len(axes["raw"]) >= 4, axes
    for at, text in axes["z"]:
        assert abs(float(text) - at) < 1e-3 or abs(at) > 4, axes
    for at, text in axes["raw"]:
        if abs(at) <= 4:
            assert abs(float(text) - (axes["mean"] + at * axes["scale"])) < 0.02 * axes["scale"], axes


def check_drawn(driver, chart="chart", colors="SIDES.map((_, s) => sideColor(s))"):
    """Ink of every colour in the chart."""
    inks = driver.execute_script(
        f"const canvas = document.querySelector('#{chart} canvas'), colors = {colors};"
        """
        const pen = canvas.getContext("2d");
        const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
        const wanted = colors.map(hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16)));
        return wanted.map(([r, g, b]) => {
          let count = 0;
          for (let i = 0; i < data.length; i += 4)
            if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 30) count++;
          return count;
        });
        """
    )
    assert all(ink > 100 for ink in inks), inks


def check_list(driver):
    search(driver, "in")
    assert names(driver) == ["income", "drifting"], names(driver)
    search(driver, "<IMG")
    assert names(driver) == [MARKUP], names(driver)
    search(driver, "")
    head = driver.find_element(By.CSS_SELECTOR, "th[data-key=psi]")
    head.click()
    assert names(driver)[0] == "drifting", names(driver)[:3]
    assert head.get_attribute("aria-sort") == "descending"
    Select(driver.find_element(By.ID, "filter")).select_by_visible_text("Constant or nearly")
    assert names(driver) == ["constant"], names(driver)
    driver.find_element(By.CSS_SELECTOR, "#table tbody tr").click()
    assert "constant" in driver.find_element(By.CSS_SELECTOR, "#detail h3").text
    Select(driver.find_element(By.ID, "filter")).select_by_visible_text("All features")


def check_fits(driver, size):
    width = driver.execute_script("return document.documentElement.scrollWidth")
    assert width <= size[0], f"the page is {width} wide, the window {size[0]}"


def screenshot(driver, size, path):
    """The whole page, however long."""
    whole = driver.execute_script("return document.documentElement.scrollHeight")
    metrics = {"width": size[0], "height": whole, "deviceScaleFactor": 1, "mobile": size[0] < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.save_screenshot(str(path))


def look(prep, folder, screenshots):
    page = made(prep, folder / "small", 20_000, 60)
    for size, width in [(DESKTOP, "desktop"), (PHONE, "phone")]:
        for scheme in ["light", "dark"]:
            driver = browser(size, scheme)
            try:
                opened(driver, page)
                check_fits(driver, size)
                if width == "desktop":
                    check_numbers(driver)
                    check_axes(driver)
                check_drawn(driver)
                screenshot(driver, size, screenshots / f"{width}-{scheme}.png")
                if width == "desktop":
                    check_list(driver)
                check_quiet(driver, page)
            finally:
                driver.quit()
            print(f"ok: {width}, {scheme}")


def look_trained(prep, folder, screenshots):
    """The curves of the networks, that of the raw features marked where it exploded."""
    out = folder / "trained"
    source = PROJECT / "fixtures" / "heavy-tails.csv"
    subprocess.run([prep, "stream", "--in", source, "--out", out, "--label", "score", "--quiet"], check=True)
    page = out / "report.html"
    subprocess.run([prep, "validate", "--data", out, "--label", "score", "--diagnose", "--quiet"], check=True)
    for scheme in ["light", "dark"]:
        driver = browser(DESKTOP, scheme)
        try:
            opened(driver, page)
            legend = driver.find_element(By.ID, "losses-legend").text
            assert "raw, full, exploded at step" in legend and "raw, part" in legend, legend
            assert driver.find_element(By.ID, "verdict").text.startswith("Passed"), "the verdict"
            arms = driver.find_element(By.ID, "arms").text
            assert "exploded" in arms and "learned" in arms and "constant baseline" in arms, arms
            assert "NaN" in driver.find_element(By.ID, "advice").text, "the advice"
            check_drawn(driver, "losses", ARMS)
            check_drawn(driver)
            screenshot(driver, DESKTOP, screenshots / f"trained-{scheme}.png")
            check_quiet(driver, page)
        finally:
            driver.quit()
        print(f"ok: trained, {scheme}")


def look_folds(prep, folder, screenshots):
    """Folds in place of sides: a line each, and no figures that would be of no fold."""
    source, out = folder / "folds.parquet", folder / "folds"
    pq.write_table(table(20_000, 5), source)
    subprocess.run([prep, "stream", "--in", source, "--out", out, "--folds", "4", "--quiet"], check=True)
    page = out / "report.html"
    for size, width in [(DESKTOP, "desktop"), (PHONE, "phone")]:
        driver = browser(size, "light")
        try:
            opened(driver, page)
            check_fits(driver, size)
            text = driver.find_element(By.ID, "sides").text
            assert all(f"fold-{fold} " in text for fold in range(4)) and "25.0 %" in text, text
            note = driver.find_element(By.ID, "split-note").text
            assert "4 folds" in note and "Written in 1 shard" in note, note
            assert "4 folds" in driver.find_element(By.ID, "tiles").text.replace("\n", " ")
            assert "scaler-fold-0.json" in driver.find_element(By.ID, "detail").text
            assert rows(driver) == [], rows(driver)
            screenshot(driver, size, screenshots / f"folds-{width}.png")
            check_quiet(driver, page)
        finally:
            driver.quit()
        print(f"ok: folds, {width}")


def look_wide(prep, folder, features):
    page = made(prep, folder / "wide", 2_000, features)
    size = page.stat().st_size
    assert size <= 10_000_000, f"{size} bytes"
    driver = browser(DESKTOP, "light")
    try:
        seconds = opened(driver, page)
        search(driver, f"x{features - 100:04}")
        assert len(names(driver)) == 1, names(driver)
        check_quiet(driver, page)
    finally:
        driver.quit()
    print(f"ok: {features:,} features, {size:,} bytes, open and drawn after {seconds:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prep", type=pathlib.Path, default=PROJECT / "target" / "release" / "prep")
    parser.add_argument("--data-dir", type=pathlib.Path, default=PROJECT / "target" / "report-data")
    parser.add_argument("--screenshots", type=pathlib.Path, default=PROJECT / "target" / "report")
    parser.add_argument("--features", type=int, default=8000, help="of the wide table")
    options = parser.parse_args()
    shutil.rmtree(options.data_dir, ignore_errors=True)
    options.screenshots.mkdir(parents=True, exist_ok=True)
    prep, folder = options.prep.absolute(), options.data_dir.absolute()
    look(prep, folder, options.screenshots)
    look_trained(prep, folder, options.screenshots)
    look_folds(prep, folder, options.screenshots)
    look_wide(prep, folder, options.features)
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
