"""Reads the points of a PLY file, the one form in which surface scanners hand over a back.

Binary little-endian and ASCII vertices with float x, y, z are read, whatever other vertex properties stand beside
them; faces and anything else after the vertices are left alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import RecordingError

# PLY's scalar types under both of their names (http://paulbourke.net/dataformats/ply/).
SCALARS: Final = {
    "char": "i1", "uchar": "u1", "short": "<i2", "ushort": "<u2", "int": "<i4", "uint": "<u4",
    "float": "<f4", "double": "<f8",
    "int8": "i1", "uint8": "u1", "int16": "<i2", "uint16": "<u2", "int32": "<i4", "uint32": "<u4",
    "float32": "<f4", "float64": "<f8",
}
END_OF_HEADER: Final = b"end_header"


def _refuse(path: Path, what: str, expected: str, found: str) -> RecordingError:
    mend = "export the scan again as a binary little-endian PLY with float x, y, z"
    return RecordingError(what, where=str(path), expected=expected, found=found, mend=mend)


def _vertex_layout(path: Path, header: list[str]) -> tuple[str, int, np.dtype]:
    """Storage form, number and record type of the vertices that ``header`` declares."""
    form, count, element = "", 0, ""
    fields: list[tuple[str, str]] = []
    for line in header:
        words = line.split()
        if words[:1] == ["format"] and len(words) > 1:
            form = words[1]
        elif words[:1] == ["element"] and len(words) == 3 and words[2].isdigit():
            if not element and words[1] != "vertex":
                raise _refuse(path, "the vertices are not the first element", "element vertex", line)
            element = words[1]
            count = int(words[2]) if element == "vertex" else count
        elif words[:1] == ["property"] and element == "vertex":
            if len(words) != 3 or words[1] not in SCALARS:
                raise _refuse(path, "a vertex property that no point has", "a scalar property", line)
            fields.append((words[2], SCALARS[words[1]]))
    if form not in ("binary_little_endian", "ascii"):
        raise _refuse(path, "unreadable PLY format", "binary_little_endian or ascii", form or "no format line")
    names = [name for name, _ in fields]
    if count == 0 or not {"x", "y", "z"} <= set(names) or len(set(names)) != len(names):
        raise _refuse(path, "no points in the PLY", "vertices with x, y and z", f"{count} with {', '.join(names)}")
    return form, count, np.dtype(fields)


def read_ply_points(path: Path) -> NDArray[np.float64]:
    """(N, 3) float64 points of the PLY file at ``path``, in the file's own frame and unit.

    Raises:
        RecordingError: not a PLY file, cut short, or without finite points.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _refuse(path, "the scan cannot be read", "a PLY file", error.strerror or "nothing") from error
    head, mark, body = data.partition(END_OF_HEADER)
    if not data.startswith(b"ply") or not mark:
        raise _refuse(path, "not a PLY file", "'ply' ... 'end_header'", f"{len(data)} bytes of something else")
    body = body[body.find(b"\n") + 1 :]  # the mark's own line may end in CR LF
    form, count, record = _vertex_layout(path, head.decode("ascii", "replace").splitlines())
    if form == "ascii":
        rows = body.decode("ascii", "replace").split("\n", count)[:count]
        try:
            names = list(record.names or ())
            table = np.array([[float(v) for v in row.split()[: len(names)]] for row in rows], np.float64)
            points = np.stack([table[:, names.index(axis)] for axis in "xyz"], axis=1)
        except (ValueError, IndexError) as error:
            raise _refuse(path, "the PLY is cut short or damaged", f"{count} rows of numbers", str(error)) from error
    else:
        if len(body) < count * record.itemsize:
            found = f"{len(body) // record.itemsize} points"
            raise _refuse(path, "the PLY is cut short", f"{count} points", found)
        vertices = np.frombuffer(body, record, count)
        points = np.stack([vertices[axis].astype(np.float64) for axis in "xyz"], axis=1)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 3:
        raise _refuse(path, "too few finite points", "a surface", f"{len(points)} points")
    return points
