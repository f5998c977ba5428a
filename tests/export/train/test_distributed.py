"""Two processes under torchrun's variables end with one set of weights, made from both halves of the data."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch

import export

PROCESS = """
import sys
import torch
from torch import nn
from export.train.loop import average_gradients, distributed, _agreed

rank, world = distributed()
assert world == 2
torch.manual_seed(0)
net = nn.Linear(3, 2)
net(torch.full((1, 3), 1.0 + rank)).sum().backward()
average_gradients(list(net.parameters()), world)
torch.save({"gradient": net.weight.grad, "progress": _agreed(0.25 * (1 + rank))}, f"{sys.argv[1]}/{rank}.pt")
"""


def test_gradients_are_averaged_and_all_processes_agree_on_the_end(tmp_path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = Path(export.__file__).resolve().parent.parent
    running = []
    for rank in range(2):
        variables = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
                     "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        running.append(subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path)], cwd=root, env={**os.environ, **variables}
        ))
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    torch.testing.assert_close(first["gradient"], torch.full((2, 3), 1.5))
    torch.testing.assert_close(second["gradient"], first["gradient"])
    assert first["progress"] == second["progress"] == 0.25
