"""From records and references to statements: errors, comparisons, disagreement, regressions."""
