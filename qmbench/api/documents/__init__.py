"""The JSON schemas of all documents that qmbench writes, made from types that say what each key holds."""

from __future__ import annotations

from qmbench.api.documents.schemas import DOCUMENTS, Document, schema

__all__ = ["DOCUMENTS", "Document", "schema"]
