"""What a comparison leaves behind: the raw data as JSON, and a table in `docs/COMPARE.md`."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from contenders import Refused

Report = dict[str, Any]


def write(report: Report, text_of_table: str, docs: Path) -> None:
    """The raw data, and the table between the markers that have the report's name."""
    page = docs / "COMPARE.md"
    text = page.read_text()
    begin, end = f"<!-- {report['name']}: begin -->", f"<!-- {report['name']}: end -->"
    if begin not in text or end not in text:
        raise Refused(f"{page} has no lines '{begin}' and '{end}' to write the table between")
    before, rest = text.split(begin, maxsplit=1)
    after = rest.split(end, maxsplit=1)[1]
    raw = docs / raw_file(report)
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_text(json.dumps(report, indent=1) + "\n")
    page.write_text(f"{before}{begin}\n{text_of_table}\n{end}{after}")


def raw_file(report: Report) -> str:
    return f"compare/{report['date']}-{report['name']}.json"


def table(report: Report) -> str:
    """A row an engine: medians, and the CPU time of its sweep against that of q50 with every core."""
    rows: dict[str, list[Report]] = {}
    for row in report["repetitions"]:
        rows.setdefault(row["label"], []).append(row)
    ours = [label for label, measured in rows.items() if measured[0]["engine"] == "q50"]
    unit = median(row["sweep"]["cpu_s"] for row in rows[ours[-1]]) if ours else None
    lines = [
        "| engine | runs | sweep: CPU s | sweep: wall s | process: CPU s | process: wall s | peak MiB | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for label, measured in rows.items():
        cells = [label, str(len(measured))]
        cells += [
            spread([row[part][key] for row in measured]) for part in ("sweep", "process") for key in ("cpu_s", "wall_s")
        ]
        cells.append(f"{median(row['sweep']['peak_rss_mib'] for row in measured):.0f}")
        cells.append(figure(median(row["sweep"]["cpu_s"] for row in measured) / unit) if unit else "-")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", conditions(report)])


def conditions(report: Report) -> str:
    """The machine, how busy it was, and the versions, in a sentence each."""
    machine = report["machine"]
    load = [row["load_before"] for row in report["repetitions"]]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report["versions"].items()))
    raw = raw_file(report)
    return (
        f"{report['date']}: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}; load average before a run {min(load):.1f} to {max(load):.1f}. "
        f"{versions}. Every run: [{raw}]({raw})."
    )


def spread(values: list[float]) -> str:
    """The median, and the range where there is one."""
    low, high = figure(min(values)), figure(max(values))
    return figure(median(values)) + (f" ({low}-{high})" if low != high else "")


def figure(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
