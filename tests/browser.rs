//! Report, comparison, status page and the page of a search as a browser lays them out.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

#[cfg(feature = "live")]
#[path = "live_world/mod.rs"]
mod live_world;

use std::{path::Path, process::Command};

use q50_testing::program;
use serde_json::Value;
use util::Workspace;

/// A phone and a desktop, pixels.
const WIDTHS: [u64; 2] = [360, 1_280];

/// Appended to the report: measures the page that it is in, and leaves the result in the page around it.
const MEASURE: &str = r#"<script>
const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
const boxes = [...document.querySelectorAll("svg")].map(svg => [svg, svg.getBoundingClientRect()]);
const texts = svg => [...svg.querySelectorAll("text")].filter(text => text.textContent.trim());
const words = text => text.textContent.trim();
// A box of text is higher than its letters: lines that only touch are not on each other.
const cover = (a, b) =>
  Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
  Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.4 * Math.min(a.height, b.height);
const result = {
  width: document.documentElement.clientWidth,
  scroll: document.documentElement.scrollWidth,
  pictures: document.querySelectorAll("svg[role=img]").length,
  drawings: boxes.length,
  sized: boxes.filter(([, box]) => box.width > 0 && box.height > 0).length,
  texts: boxes.reduce((sum, [svg]) => sum + texts(svg).length, 0),
  outside: boxes.flatMap(([svg, box]) => texts(svg).filter(t => !inside(t.getBoundingClientRect(), box)).map(words)),
  covered: boxes.flatMap(([svg]) => texts(svg).flatMap((a, i, all) => all.slice(i + 1)
    .filter(b => cover(a.getBoundingClientRect(), b.getBoundingClientRect())).map(b => words(a) + " | " + words(b)))),
  ends: document.querySelector("footer") !== null,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  light: getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((sum, c) => sum + Number(c), 0),
  requests: performance.getEntriesByType("resource").map(entry => entry.name),
};
const pre = parent.document.createElement("pre");
// Without what markup would escape.
pre.textContent = JSON.stringify(result).replace(/[&<>\u00a0]/g, " ");
parent.document.body.append(pre);
</script></body>"#;

/// What the browser says about `html` at every width, narrowest first, for readers of a dark or a light page; nothing is said
/// on its console. A window cannot be as narrow as a phone, a frame can.
fn measured(w: &Workspace, browser: &Path, html: &str, is_dark: bool) -> Vec<Value> {
    assert_eq!(html.matches("</body>").count(), 1);
    let page = html.replace("</body>", MEASURE).replace('&', "&amp;").replace('"', "&quot;");
    let frames = WIDTHS.map(|width| format!(r#"<iframe width="{width}" height="900" srcdoc="{page}"></iframe>"#));
    let around = format!("<!DOCTYPE html><meta charset=utf-8><title>frames</title><body>{}", frames.concat());
    let file = w.write("frames.html", around);
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1400,1000"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", "--enable-logging=stderr"])
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark)))
        .arg(format!("--user-data-dir={}", w.path("browser").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    let results = page.split("<pre>").skip(1).map(|rest| rest.split_once('<').unwrap().0);
    let mut results: Vec<Value> = results.map(|json| serde_json::from_str(json).unwrap()).collect();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(results.len() == WIDTHS.len() && !said.contains("CONSOLE"), "{said}");
    results.sort_by_key(|result| result["width"].as_u64());
    results
}

/// Asserts that the page fits every width, in the light and in the dark, with so many pictures, and asks for nothing.
fn assert_fits(w: &Workspace, browser: &Path, html: &str, what: &str, pictures: u64, least_texts: u64) {
    for is_dark in [false, true] {
        for (result, width) in measured(w, browser, html, is_dark).iter().zip(WIDTHS) {
            let at = format!("{what} at {width}, dark: {is_dark}");
            let number = |name: &str| result[name].as_u64().unwrap();
            let none = |name: &str| result[name].as_array().unwrap().is_empty();
            assert_eq!((number("width"), number("scroll")), (width, width), "{at}: no sideways scroll");
            assert_eq!(number("pictures"), pictures, "{at}");
            assert_eq!(number("sized"), number("drawings"), "{at}: every picture has a size");
            assert!(number("texts") > least_texts && none("outside"), "{at}: {}", result["outside"]);
            assert!(none("covered"), "{at}: {}", result["covered"]);
            assert!(none("requests") && result["ends"] == true, "{at}: {}", result["requests"]);
            assert_eq!(result["dark"], is_dark, "{at}");
            assert_eq!(number("light") < 200, is_dark, "{at}: the page is as its reader wants it");
        }
    }
}

#[test]
#[ignore = "needs chromium"]
fn the_report_fits_a_phone_and_a_desktop_and_asks_for_nothing() {
    let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
    for (venue, pictures) in [("", 13), ("--venue pumpswap --capital 10 --cost-bps 5 --pool-depth 5000", 14)] {
        let w = Workspace::new();
        let outcome = w.q50(&format!("verify {venue} --out {{dir}}/out"));
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        let html = std::fs::read_to_string(w.path("out/report.html")).unwrap();
        assert_fits(&w, &browser, &html, venue, pictures, 50);
    }
}

#[test]
#[ignore = "needs chromium"]
fn the_page_of_a_search_fits_a_phone_and_a_desktop_and_asks_for_nothing() {
    let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
    let w = Workspace::new();
    // Lists, words, more values than there are cells, and a parameter that does not vary.
    w.write(
        "grid.toml",
        "[grid]\ngate.min_expected_value = { from = 0.0, to = 0.002, steps = 40 }\nsizing.max_position = [0.25, 0.5, 1.0]\n\
         sizing.method = ['inverse_variance', 'validated']\nexits.stop_loss = [0.2]\n",
    );
    let outcome = w.q50("sweep --grid {dir}/grid.toml --out {dir}/out");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let html = std::fs::read_to_string(w.path("out/sweep.html")).unwrap();
    assert_fits(&w, &browser, &html, "search", 3, 40);
}

/// Also with words as long as chains and programs have them.
#[test]
#[ignore = "needs chromium"]
#[cfg(feature = "live")]
fn a_sessions_pages_fit_a_phone_and_a_desktop_and_ask_for_nothing() {
    let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
    let world = live_world::World::start(&[0, 1, 0, 1, 0, 1, 0, 1]);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut session = world.live(&format!("--limits limits.toml --status {port}"));
    (0..3).for_each(|_| drop(session.next_bar(&world)));
    world.move_before_an_order_lands(500);
    (3..8).for_each(|_| drop(session.next_bar(&world)));
    let status = live_world::asked(port, "/", &format!("127.0.0.1:{port}"));
    session.stop();
    let compared = world.space.q50("compare session --out compared");
    assert!(compared.code < 2, "{}", compared.stderr);
    let compared = std::fs::read_to_string(world.space.path("compared/compare.html")).unwrap();
    let page = status.split_once("\r\n\r\n").unwrap().1;
    assert!(page.contains("failed: ") && compared.contains("failed: "), "the price ran away from a buy");
    assert_fits(&world.space, &browser, page, "status", 2, 10);
    assert_fits(&world.space, &browser, &compared, "comparison", 2, 10);
}
