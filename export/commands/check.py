"""``latx-export check BUNDLE``: every ONNX file against ONNX's rules, ONNX Runtime, and NVIDIA's parser and builder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

DESCRIPTION = """\
Asks of each ONNX file of a bundle, FP32, FP16 and INT8 alike: is it valid, of an opset that TensorRT 10.3 takes, of
known operators, static in all shapes, with the stage's tensors and their units; does ONNX Runtime run it; and does
NVIDIA's own parser take it and its builder make an engine of it. The last needs no GPU: TensorRT for RTX
(tensorrt-rtx-cu13) builds on the CPU. It shares the parser and the typing rules of TensorRT 11; it is neither
TensorRT 10.3 nor a Jetson, so a pass is no proof for those. Exit code 4 where anything fails."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of a bundle, or one ONNX file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Check and print.

    Raises:
        LatxError: no bundle there or an altered one; a check that failed, named.
    """
    from edge.errors import BundleError
    from edge.whole_file import write_whole
    from export.check.table import CHECKS, check_files

    findings = []
    width = max(map(len, CHECKS)) + 2
    last = ""
    for finding in check_files(args.bundle):
        if finding.file != last:
            print(f"{'' if not last else chr(10)}{finding.file}")
            last = finding.file
        print(f"  {finding.outcome.verdict:9s}{finding.check:{width}s}{finding.outcome.detail}", flush=True)
        findings.append(finding)
    bad = [f for f in findings if f.outcome.verdict == "fail"]
    counts = {v: sum(f.outcome.verdict == v for f in findings) for v in ("pass", "expected", "skipped", "fail")}
    print("\n" + ", ".join(f"{n} {v}" for v, n in counts.items() if n))
    if args.json:
        content = {"bundle": str(args.bundle), "holds": not bad, "findings": [f.to_json() for f in findings]}
        write_whole(args.json, json.dumps(content, indent=1) + "\n", "the findings")
    sys.stdout.flush()
    if bad:
        raise BundleError(f"{len(bad)} of {len(findings)} checks failed", where=f"{args.bundle}/{bad[0].file}"
                          if args.bundle.is_dir() else str(args.bundle), expected=f"{bad[0].check} to hold",
                          found=bad[0].outcome.detail[:200], mend="export the bundle again")
    return 0
