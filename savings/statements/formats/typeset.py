"""A separate program that makes the PDF of a statement: it reads JSON and writes a PDF.

It runs as a child process because typst holds its memory until the process ends. It uses neither Django nor settings,
reads only the template, the fonts and the logo, and exits when its parent process does.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
import threading
from pathlib import Path
from typing import Any

import pikepdf
import typst

HERE = Path(__file__).resolve().parent
LOGO = HERE.parents[2] / "static/img/logo.svg"


def main() -> None:
    lifeline, most_bytes = int(sys.argv[1]), int(sys.argv[2])
    threading.Thread(target=end_with_parent, args=[lifeline], daemon=True).start()
    with contextlib.suppress(ValueError):  # Some systems have no such limit.
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    order = json.load(sys.stdin.buffer)
    sys.stdout.buffer.write(compress(typeset(order), order["password"]))


def end_with_parent(lifeline: int) -> None:
    """Wait until the other end of the pipe closes, which happens however the parent ends, then exit."""
    os.read(lifeline, 1)
    os._exit(1)


def typeset(order: dict[str, Any]) -> bytes:
    """Return the PDF as made by typst, tagged for PDF/UA-1."""
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(HERE / "fonts")]
    )
    compiler = typst.Compiler(
        str(HERE / "statement.typ"),
        root=str(HERE),
        font_paths=fonts,
        sys_inputs={"data": json.dumps(order["data"]), "logo": LOGO.read_text()},
    )
    pdf = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=order["made_at"])
    if not isinstance(pdf, bytes):
        raise TypeError("typst did not return one PDF.")
    return pdf


def compress(pdf: bytes, password: str) -> bytes:
    """Return the PDF with compressed objects, and with a password encrypted by AES-256 (revision 6).

    Without a password, the same statement always gives the same bytes. The owner password equals the user password, so
    that there is no second key.
    """
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        streams = pikepdf.ObjectStreamMode.generate
        if password:
            encryption = pikepdf.Encryption(user=password, owner=password, R=6)
            document.save(out, object_stream_mode=streams, encryption=encryption)
        else:
            document.save(out, object_stream_mode=streams, deterministic_id=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
