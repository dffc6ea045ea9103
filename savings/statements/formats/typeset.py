"""Makes a PDF of a statement, as a program of its own: JSON in, PDF out, and all memory given back at its end.

typst keeps what it has set in memory until its process ends, hence a child. It knows no Django and no settings, reads
nothing but the template, the fonts and the logo, and ends when the process that started it does.
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
    with contextlib.suppress(ValueError):  # Not every system lets itself be limited.
        resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    order = json.load(sys.stdin.buffer)
    sys.stdout.buffer.write(packed(typeset(order), order["password"]))


def end_with_parent(lifeline: int) -> None:
    """Wait for the other end of the pipe to be closed, as happens however the parent ends."""
    os.read(lifeline, 1)
    os._exit(1)


def typeset(order: dict[str, Any]) -> bytes:
    """Return the PDF as typst makes it: tagged as PDF/UA-1 wants it."""
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(HERE / "fonts")]
    )
    compiler = typst.Compiler(
        str(HERE / "statement.typ"),
        root=str(HERE),
        font_paths=fonts,
        sys_inputs={"data": json.dumps(order["data"]), "logo": LOGO.read_text()},
    )
    made = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=order["made_at"])
    if not isinstance(made, bytes):
        raise TypeError("typst made something else than one PDF.")
    return made


def packed(pdf: bytes, password: str) -> bytes:
    """Return it with its objects compressed, and locked if there is a password: by AES-256, revision 6.

    Without one, the same statement is the same bytes. The owner's password is the same: nobody is to have another key.
    """
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        streams = pikepdf.ObjectStreamMode.generate
        if password:
            lock = pikepdf.Encryption(user=password, owner=password, R=6)
            document.save(out, object_stream_mode=streams, encryption=lock)
        else:
            document.save(out, object_stream_mode=streams, deterministic_id=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
