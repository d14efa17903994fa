"""`qmbench schema`: the JSON schemas of the documents that qmbench writes."""

from __future__ import annotations

import json

from qmbench.cli.common import console


def schema(name: str | None) -> int:
    """Print the schema of one document, or a table of all documents with the versions of their schemas."""
    from qmbench.api.documents import DOCUMENTS
    from qmbench.api.documents import schema as schema_of

    if name is not None:
        print(json.dumps(schema_of(name), indent=1))
        return 0
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "version", "written by"):
        table.add_column(column, no_wrap=True)
    for key, document in DOCUMENTS.items():
        table.add_row(*map(Text, (key, document.version, document.written_by)))
    console().print(table)
    return 0
