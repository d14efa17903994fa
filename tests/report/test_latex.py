"""The LaTeX tables compile; where there is no LaTeX, their structure is right."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from qmbench.report.renderers.latex import _SPECIAL, _UNITS, PREAMBLE, escape_latex, to_latex
from qmbench.report.write import write_report

DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs,siunitx}
%s
\begin{document}
%s
\end{document}
"""
AWKWARD = r"100 % of a_b & {c} $d$ #e ~f ^g \h <i> |j| a–b −1"


def declarations():
    """The lines that the head of the file asks its reader to copy."""
    return "\n".join(line.lstrip("% ") for line in PREAMBLE.splitlines() if "DeclareSIUnit" in line)


def compile_latex(folder, body):
    """The log of pdflatex, which must succeed."""
    if shutil.which("pdflatex") is None or not shutil.which("kpsewhich"):
        pytest.skip("no pdflatex; apt-get install texlive-latex-recommended texlive-science")
    if not subprocess.run(["kpsewhich", "siunitx.sty"], capture_output=True, check=False).stdout:
        pytest.skip("no siunitx; apt-get install texlive-science")
    (folder / "main.tex").write_text(DOCUMENT % (declarations(), body), encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "main.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (folder / "main.pdf").read_bytes().startswith(b"%PDF")
    return done.stdout


def test_the_tables_compile(made, tmp_path):
    (path,) = write_report(made, tmp_path, ["latex"])
    log = compile_latex(tmp_path, path.read_text(encoding="utf-8"))
    assert "undefined" not in log.lower()


def test_every_unit_and_every_special_character_compile(tmp_path):
    units = " ".join(rf"\unit{{{u}}}" for u in _UNITS.values())
    compile_latex(tmp_path, units + " " + escape_latex(AWKWARD))


def test_long_names_of_levels_may_break_and_compile(made, tmp_path):
    long = "edft?correlation=none&ensemble=bi&functional=sehx&potential=oep&weight=0.5"
    statistics = made.statistics.assign(level_of_theory=made.statistics["level_of_theory"] + long)
    text = to_latex(statistics, made.benchmarks)
    assert r"p{0.35\linewidth}" in text
    assert r"\&\allowbreak{}" in text
    compile_latex(tmp_path, text)


def test_environments_are_balanced_and_every_row_has_all_cells(made, tmp_path):
    (path,) = write_report(made, tmp_path, ["latex"])
    text = path.read_text(encoding="utf-8")
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    for table in re.findall(r"\\begin\{tabular\}.*?\\end\{tabular\}", text, re.S):
        columns = re.sub(r"\[.*?\]", "", re.match(r"\\begin\{tabular\}\{(.*)\}\n", table)[1])
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len(rows) == 4
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(columns) - 1}
    bare = text.replace("\\\\", "")
    depth = 0
    for found in re.findall(r"(?<!\\)[{}]", bare):
        depth += 1 if found == "{" else -1
        assert depth >= 0
    assert depth == 0


def test_every_special_character_is_escaped():
    escaped = escape_latex("".join(_SPECIAL))
    assert not re.search(r"(?<!\\)[&%#_^~<>|]", escaped)
    assert escape_latex("a_b & 5% {x}") == r"a\_b \& 5\% \{x\}"


def test_labels_beyond_ascii_are_what_pdflatex_knows():
    assert escape_latex("ωB97X-V, r²SCAN, Δ-CCSD(T), λ₁") == (
        r"$\omega$B97X-V, r\textsuperscript{2}SCAN, $\Delta$-CCSD(T), $\lambda$\textsubscript{1}"
    )
