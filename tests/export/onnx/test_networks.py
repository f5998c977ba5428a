"""A run folder whose files do not fit this version is refused in a line that says which file and why."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edge.errors import BundleError
from export.cli import main
from export.model.config import ModelConfig
from export.model.radiograph import RadiographNet
from export.model.structure import StructureNet
from export.onnx.networks import load_networks


@pytest.fixture
def run_folder(tmp_path: Path, config: ModelConfig) -> Path:
    for name, net in (("structure", StructureNet(config)), ("radiograph", RadiographNet(config))):
        torch.save({"config": config.to_json(), "net": net.state_dict()}, tmp_path / f"{name}.pt")
    return tmp_path


def change(path: Path, **changed: object) -> None:
    torch.save({**torch.load(path, weights_only=True), **changed}, path)


def test_both_stages_come_back(run_folder: Path) -> None:
    structure, radiograph = load_networks(run_folder)
    assert not structure.training
    assert not radiograph.training


def test_another_architecture_is_named_with_its_layers(run_folder: Path, config: ModelConfig, capsys) -> None:
    change(run_folder / "structure.pt", config={**config.to_json(), "width": 48})
    with pytest.raises(BundleError, match=r"structure\.pt: the checkpoint is of another architecture.*size mismatch"):
        load_networks(run_folder)
    assert main(["onnx", str(run_folder), "--out", str(run_folder / "bundle")]) == 4
    assert "another architecture" in capsys.readouterr().err
    assert not (run_folder / "bundle").exists()


def test_a_field_of_another_version_is_named(run_folder: Path, config: ModelConfig) -> None:
    change(run_folder / "radiograph.pt", config={**config.to_json(), "wings": 2})
    with pytest.raises(BundleError, match=r"radiograph\.pt: checkpoint of another model version.*wings"):
        load_networks(run_folder)


def test_the_stages_of_two_models_do_not_go_together(run_folder: Path, config: ModelConfig) -> None:
    wider = ModelConfig.from_json({**config.to_json(), "token_width": 32})
    change(run_folder / "radiograph.pt", config=wider.to_json(), net=RadiographNet(wider).state_dict())
    with pytest.raises(BundleError, match=r"do not fit each other.*token_width 16.*found 32"):
        load_networks(run_folder)


@pytest.mark.parametrize(("content", "message"), [
    ({"weights": 1}, "no file of a trained stage"), (None, "cannot read the checkpoint"),
])
def test_what_is_no_checkpoint_is_refused(run_folder: Path, content: object, message: str) -> None:
    if content is None:
        (run_folder / "structure.pt").write_bytes(b"no checkpoint")
    else:
        torch.save(content, run_folder / "structure.pt")
    with pytest.raises(BundleError, match=message):
        load_networks(run_folder)
