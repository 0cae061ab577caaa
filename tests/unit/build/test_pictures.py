"""Charts are whole SVG whatever they are given, and PNG where that can be drawn."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from edgebot.build import pictures
from edgebot.build.charts import Bar, Point, bars, points

CHARTS = {
    "bars": bars("a < b & c", [Bar("size", 0.5, "1 MB", True), Bar("kl", 3.0, "0.1", False)]),
    "no bars": bars("none", []),
    "points": points("p", "x", "y", "z", [Point("<a>", 1.0, 2.0, 3.0, True)]),
    "curves": pictures.curves("c", {"loss <1>": [3.0, 2.0, math.nan, 1.0], "one": [0.5]}),
    "no curves": pictures.curves("c", {"nothing": [], "lost": [math.nan]}),
    "field": pictures.field("f", "head", "layer", [[0.1, 0.9], [math.nan, 7.0], []]),
    "no field": pictures.field("f", "head", "layer", []),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_whole(name: str, tmp_path: Path) -> None:
    ElementTree.fromstring(CHARTS[name])
    written = pictures.write_chart(CHARTS[name], tmp_path / "chart.svg")
    assert written[0].read_text() == CHARTS[name]
    for path in written[1:]:
        assert path.read_bytes().startswith(b"\x89PNG")


def test_words_are_in_the_picture() -> None:
    said, silent = pictures.png(CHARTS["bars"]), pictures.png(CHARTS["bars"].replace("size", ""))
    if said is None:
        pytest.skip("no font is here")
    assert said != silent


def test_a_chart_that_is_asked_for_as_png_has_its_svg_beside(tmp_path: Path) -> None:
    written = pictures.write_chart(CHARTS["bars"], tmp_path / "chart.png")
    assert written[0] == tmp_path / "chart.svg"
    assert set(written) == set(tmp_path.iterdir())


def test_without_a_renderer_there_is_svg_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert pictures.write_chart(CHARTS["bars"], tmp_path / "chart.svg") == [tmp_path / "chart.svg"]
