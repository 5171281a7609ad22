"""What README shows of Python, executed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def cells(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def test_the_cell_of_the_first_page_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("Q50_DATA_DIR", str(tmp_path))
    [cell] = cells("README.md")
    exec(cell, {})
    printed = capsys.readouterr().out.strip()
    assert printed.startswith("confirmed ")
    assert f"prints `{printed}`" in (ROOT / "README.md").read_text()


def test_every_cell_of_the_packages_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Q50_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    found = cells("python/README.md")
    assert found
    for cell in found:
        exec(cell, names)
