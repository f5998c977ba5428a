"""The model card: what the weights were made from, what they were measured on, and what they are not for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from export.model.config import SD_NAMES, ModelConfig


def model_card(
    name: str, version: str, trained_on: str, config: ModelConfig, training: Mapping[str, Any],
    errors_deg: Mapping[str, float], scales: Mapping[str, float], validated_on: str, agreement: Mapping[str, float],
) -> str:
    """Markdown text."""
    rows = "\n".join(f"| `{n}` | {errors_deg[n]:.2f} | {scales[n]:.2f} |" for n in SD_NAMES)
    agreed = "\n".join(f"| `{n}` | {v:.2e} |" for n, v in agreement.items())
    switches = ", ".join(f"{k} = {v}" for k, v in config.to_json().items())
    return f"""# Model card: {name} {version}

**Trained on: {trained_on}. Not a medical device; not for diagnostic use.** The weights prove the software. They say
nothing about clinical accuracy: no real patient's radiograph took part in training.

## What it does
Stage `structure` reads the orthographic back view of a bare back and gives 37 endplates (C7 to S1) in millimetres,
their standard deviations, and a warped lateral template. Stage `radiograph` draws a synthetic lateral radiograph
(log-attenuation). Angles are measured on the endplates by `edge.measure`, never read off the picture.

## Training
{_training_text(training)}

Configuration: {switches}.

## Errors and intervals
Measured through `edge.measure` on subjects that were not trained on ({validated_on}). The factor stretches the
predicted standard deviation so that the interval holds 90 % of these subjects (split conformal).

| angle | mean absolute error, deg | interval factor |
|---|---|---|
{rows}

## Agreement of the ONNX files with the trained networks
Largest difference seen on validation subjects, ONNX Runtime against PyTorch.

| output | largest difference |
|---|---|
{agreed}

## Limits
- The phantom's subjects are 10 to 18 years old, stand upright, and wear trousers with the waistband just below the
  posterior superior iliac spines. Anything else is outside of what the weights have seen.
- The synthetic radiograph shows what is likely behind such a back, not what is there.
- Intervals hold for subjects like the phantom's; a real child may lie outside of them.
"""


def _training_text(training: Mapping[str, Any]) -> str:
    parts = []
    for stage, record in training.items():
        if not isinstance(record, Mapping) or "command" not in record:
            parts.append(f"- `{stage}`: weights of a run that was not finished")
            continue
        parts.append(
            f"- `{stage}`: {record['trained_on']}; validated on {record['validated_on']}:\n\n"
            f"  `{record['command']}`\n"
        )
    return "\n".join(parts)
