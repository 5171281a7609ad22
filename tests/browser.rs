//! The report as a browser lays it out.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod util;

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
  requests: performance.getEntriesByType("resource").map(entry => entry.name),
};
const pre = parent.document.createElement("pre");
// Without what markup would escape.
pre.textContent = JSON.stringify(result).replace(/[&<>\u00a0]/g, " ");
parent.document.body.append(pre);
</script></body>"#;

/// What the browser says about `html` at every width. A window cannot be as narrow as a phone, a frame can.
fn measured(w: &Workspace, browser: &Path, html: &str) -> Vec<Value> {
    assert_eq!(html.matches("</body>").count(), 1);
    let page = html.replace("</body>", MEASURE).replace('&', "&amp;").replace('"', "&quot;");
    let frames = WIDTHS.map(|width| format!(r#"<iframe width="{width}" height="900" srcdoc="{page}"></iframe>"#));
    let around = format!("<!DOCTYPE html><meta charset=utf-8><title>frames</title><body>{}", frames.concat());
    let file = w.write("frames.html", around);
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1400,1000"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom"])
        .arg(format!("--user-data-dir={}", w.path("browser").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    let results = page.split("<pre>").skip(1).map(|rest| rest.split_once('<').unwrap().0);
    let results: Vec<Value> = results.map(|json| serde_json::from_str(json).unwrap()).collect();
    assert_eq!(results.len(), WIDTHS.len(), "{}", String::from_utf8_lossy(&output.stderr));
    results
}

#[test]
#[ignore = "needs chromium"]
fn the_report_fits_a_phone_and_a_desktop_and_asks_for_nothing() {
    let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
    for (venue, pictures) in [("", 11), ("--venue pumpswap --capital 10 --cost-bps 5 --pool-depth 5000", 12)] {
        let w = Workspace::new();
        let outcome = w.q50(&format!("verify {venue} --out {{dir}}/out"));
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        let html = std::fs::read_to_string(w.path("out/report.html")).unwrap();
        let mut found = measured(&w, &browser, &html);
        found.sort_by_key(|result| result["width"].as_u64());
        for (result, width) in found.iter().zip(WIDTHS) {
            let number = |name: &str| result[name].as_u64().unwrap();
            let none = |name: &str| result[name].as_array().unwrap().is_empty();
            assert_eq!((number("width"), number("scroll")), (width, width), "{venue}: no sideways scroll");
            assert_eq!(number("pictures"), pictures, "{venue} at {width}");
            assert_eq!(number("sized"), number("drawings"), "{venue} at {width}: every picture has a size");
            assert!(number("texts") > 50 && none("outside"), "{venue} at {width}: {}", result["outside"]);
            assert!(none("covered"), "{venue} at {width}: {}", result["covered"]);
            assert!(none("requests") && result["ends"] == true, "{venue} at {width}: {}", result["requests"]);
        }
    }
}
