"""From statements to what people and other programs read: tables, charts, pages, files."""
