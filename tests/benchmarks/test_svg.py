from xml.etree import ElementTree as ET

import pytest

from benchmarks.svg import Axis, Chart

ACROSS = Axis("bits", 0, 256, [(0, "0"), (256, "256")])
RATES = Axis("rate", 1e-6, 1e-2, [(1e-6, "rare"), (1e-2, "frequent")], logarithmic=True)


def test_a_chart_is_well_formed_whatever_is_written_on_it() -> None:
    chart = Chart("a < b & c", ACROSS, RATES)
    chart.line([(0, 1e-2), (256, 1e-6)], "#000000", dashed=True)
    chart.dots([(128, 1e-4)], "#000000")
    chart.text((128, 1e-4), '"<here>"')
    drawn = ET.fromstring(chart.svg())  # noqa: S314 - our own
    words = {element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"a < b & c", '"<here>"', "bits", "rate", "rare", "frequent"} <= words


def test_a_decade_is_as_long_as_any_other_on_a_logarithmic_axis() -> None:
    assert [RATES.share(rate) for rate in (1e-6, 1e-5, 1e-4, 1e-2)] == pytest.approx([0, 0.25, 0.5, 1])


@pytest.mark.parametrize("value", [-1, 257, float("nan")])
def test_what_lies_beyond_an_axis_is_refused_and_never_drawn_at_its_end(value: float) -> None:
    with pytest.raises(ValueError, match="beyond the axis 'bits'"):
        Chart("bits", ACROSS, RATES).dots([(value, 1e-4)], "#000000")
