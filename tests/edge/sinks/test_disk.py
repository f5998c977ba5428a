from __future__ import annotations

import hashlib
import json

import pytest

from edge.errors import OutputError
from edge.privacy.audit import AuditLog, verify
from edge.report import FILES, make_report
from edge.sinks.disk import DiskSink
from edge.sinks.places import audit_path


def test_a_report_lies_on_disk_with_its_three_files(tmp_path, finished_scan, stand_in):
    report = make_report(finished_scan, stand_in, "ref-17")
    folder = DiskSink(tmp_path / "scans").accept(report)
    assert folder == tmp_path / "scans" / report.result.scan_id
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)
    record = json.loads((folder / "result.json").read_text())
    assert record["subject_ref"] == "ref-17"
    picture = (folder / record["radiograph"]["file"]).read_bytes()
    assert hashlib.sha256(picture).hexdigest() == record["radiograph"]["sha256"]


def test_a_place_that_cannot_be_written_is_known_before_the_first_scan(tmp_path):
    (tmp_path / "scans").write_text("")
    with pytest.raises(OutputError):
        DiskSink(tmp_path / "scans")


def test_a_result_that_cannot_be_put_on_record_is_not_kept(tmp_path, finished_scan, stand_in):
    scans = tmp_path / "scans"
    audit = AuditLog(audit_path(scans))
    sink = DiskSink(scans, audit)
    report = make_report(finished_scan, stand_in)
    audit.path.mkdir(parents=True)  # a folder where the log should be

    with pytest.raises(OutputError, match="audit log"):
        sink.accept(report)

    assert [p.name for p in scans.iterdir()] == [".latx"]
    audit.path.rmdir()
    sink.accept(report)
    assert verify(audit.path).entries == 1
