"""Each layer's precision, by what it does to the angles (stage 1) or the picture (stage 2), and by latency.

Layers that the rules keep out, or that are no faster in INT8, stay wide. Of the others each is narrowed alone to see
what it does; then all together, and while they do too much together, on average or in the worst view, the one that
does most for the time it saves is widened again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import onnx

from calib.collect.view_check import View
from calib.quantize.drift import Drift, DriftMeter
from calib.quantize.latency import LayerClock, LayerTime
from calib.quantize.ranges import METHODS, calibrate
from export.onnx.precision.integer import write_integer
from export.onnx.precision.layers import Layer, kept_out, layers_of
from export.onnx.precision.prepare import CPU_PASSES, PASSES, graph_of, prepare

if TYPE_CHECKING:
    from onnxruntime.quantization.calibrate import TensorsData

FORM_PASSES: Final = {"int8-cpu": CPU_PASSES, "int8": PASSES}
"""What each form's graph goes through first."""
UNITS: Final = {"structure": "deg", "radiograph": "of range"}
LIMITS: Final = {
    "structure": (0.15, 0.6),  # degrees: mean and worst; half of what is promised, for views not seen here
    "radiograph": (0.01, 0.5),  # of the picture's range: root mean square (40 dB), and a single pixel
}
"""Drift that all integer layers of a stage may cause together on the calibration views."""
ALONE_VIEWS: Final = {"structure": 12, "radiograph": 4}
"""Views on which a layer is judged alone."""
LEAST_SAVED: Final = 0.1
"""Share of its FP32 time that a layer saves at least: one that is no faster alone still keeps a chain together."""
METHOD_VIEWS: Final = {"structure": 48, "radiograph": 4}
"""Views on which a way of finding ranges is judged against the others: the worst of them has to be among these."""
RANGE_VIEWS: Final = 32
"""Views that the histograms of entropy and percentile are made of; min-max sees the same."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class LayerFacts:
    """What is known of one layer. time and alone are None where a rule keeps it out; wider: why, or ""."""

    layer: Layer
    time: LayerTime | None
    alone: Drift | None
    wider: str


@dataclass
class Decision:
    """The integer layers of one stage in one form, and the reasons of all others."""

    stage: str
    form: str
    method: str
    methods: dict[str, Drift]
    facts: list[LayerFacts]
    narrow: list[str]
    drift: Drift
    model: onnx.ModelProto = field(repr=False)

    @property
    def wider(self) -> dict[str, str]:
        """Layer name -> why it stayed wide, in the graph's order."""
        return {f.layer.name: f.wider for f in self.facts if f.wider}


class StageDecider:
    """Decides one stage; what is measured once serves both integer forms.

    Args:
        model: the FP32 stage. views: of a calibration set. say: told what is being done.
    """

    def __init__(self, stage: str, model: onnx.ModelProto, views: Sequence[View], threads: int, say: Say) -> None:
        self.stage, self._say = stage, say
        self.prepared = {form: prepare(model, passes) for form, passes in FORM_PASSES.items()}
        self.meter = DriftMeter(stage, model, views, threads)
        graph = graph_of(self.prepared["int8"])  # every form has its convolutions under the same names
        self._layers, self._out = layers_of(graph), kept_out(graph)
        self._views = list(views[:RANGE_VIEWS])
        clock = LayerClock(self.prepared["int8-cpu"])
        say(f"{stage}: timing {len(self._layers) - len(self._out)} layers in FP32 and INT8")
        self._times = {layer.node: clock.time(layer.node) for layer in self._layers if layer.node not in self._out}
        self._candidates = [layer for layer in self._layers if layer.node in self._times
                            and self._times[layer.node].gains]
        self._alone: dict[str, Drift] = {}

    def decide(self, form: str, methods: Sequence[str] = tuple(METHODS)) -> Decision:
        """Layers, ranges and file of one form (a key of ``FORMS``)."""
        all_nodes = [layer.node for layer in self._candidates]
        prepared, few = self.prepared[form], ALONE_VIEWS[self.stage]
        if not all_nodes:  # nothing gains: the file is the prepared FP32 one
            facts = [self._facts(layer, None, {}) for layer in self._layers]
            return Decision(self.stage, form, "none", {}, facts, [], self.meter.measure(prepared), prepared)
        tried: dict[str, Drift] = {}
        ranges: dict[str, TensorsData] = {}
        for method in methods:
            self._say(f"{self.stage} {form}: ranges by {method}")
            ranges[method] = calibrate(prepared, self._views, method, all_nodes, symmetric=form == "int8")
            together = write_integer(prepared, all_nodes, ranges[method], form)
            tried[method] = self.meter.measure(together, METHOD_VIEWS[self.stage])
        method = min(tried, key=lambda name: self._share(tried[name]))
        alone = self._alone  # the order of the layers is the same in both forms: it is measured once
        for number, node in enumerate(all_nodes if not alone else (), 1):
            self._say(f"{self.stage} {form}: layer {number} of {len(all_nodes)} alone")
            alone[node] = self.meter.measure(write_integer(prepared, [node], ranges[method], form), few)
        narrow = list(all_nodes)
        reasons: dict[str, str] = {}
        while True:
            model = write_integer(prepared, narrow, ranges[method], form)
            drift = self.meter.measure(model)
            self._say(f"{self.stage} {form}: {len(narrow)} integer layers, drift {drift.mean:.4f} "
                      f"{UNITS[self.stage]}, worst {drift.worst:.3f}")
            if not narrow or self._share(drift) <= 1:
                break
            worst = max(narrow, key=lambda node: self._share(alone[node]) / self._saved_ms(node))
            narrow.remove(worst)
            reasons[worst] = self._too_much(alone[worst], drift)
        facts = [self._facts(layer, alone.get(layer.node), reasons) for layer in self._layers]
        return Decision(self.stage, form, method, tried, facts, narrow, drift, model)

    def _share(self, drift: Drift) -> float:
        """How much of what is allowed a drift takes, on average or in the worst view, whichever is more."""
        mean, worst = LIMITS[self.stage]
        return max(drift.mean / mean, drift.worst / worst)

    def _saved_ms(self, node: str) -> float:
        time = self._times[node]
        return max(time.fp32_ms - time.int8_ms, LEAST_SAVED * time.fp32_ms)

    def _too_much(self, alone: Drift, together: Drift) -> str:
        (mean, worst), unit = LIMITS[self.stage], UNITS[self.stage]
        return (f"alone {alone.mean:.3f} {unit}; with it all INT8 layers drift {together.mean:.3f} (worst "
                f"{together.worst:.2f}) of {mean:g} ({worst:g}) {unit} allowed")

    def _facts(self, layer: Layer, alone: Drift | None, reasons: dict[str, str]) -> LayerFacts:
        time = self._times.get(layer.node)
        why = self._out.get(layer.node) or reasons.get(layer.node, "")
        if not why and time is not None and not time.gains:
            why = f"INT8 is no faster on the CPU: {time.int8_ms:.3f} against {time.fp32_ms:.3f} ms"
        return LayerFacts(layer, time, alone, why)
