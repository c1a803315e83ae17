"""Which requirement is proved by which test: `make requirements`, `make requirements ISSUE=frame`.

Reads the tables of OSSATURE_REQUIREMENTS (default ../shared/requirements), the marks `@pytest.mark.req("S3-037")` of
all tests, without running them, and lines `Requirements: S0-62, S2-003` of the docs. A page of the docs counts only
for what no test can prove. Unknown ids and tests that claim more than three rows are errors.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEST_FOLDERS = ("core/tests", "plugins", "examples", "tests")
MOST_PER_TEST = 3
DOCUMENTABLE = frozenset({"operation", "quality", "technology", "roadmap"})

_ID = re.compile(r"^[SA]\d?-\d{2,3}$")
_DOCS_LINE = re.compile(r"^Requirements:\s*(.+)$", re.MULTILINE)
_RANGE = re.compile(r"^([SA]\d?)-(\d{2,3})\s+to\s+[SA]?\d?-?(\d{2,3})$")


@dataclass
class Row:
    """One line of the tables. `kind` is empty for those that list what users of other systems expect."""

    id: str
    issue: str
    kind: str
    text: str
    same_as: str = ""
    tests: list[str] = field(default_factory=list)
    docs: list[str] = field(default_factory=list)

    @property
    def proved(self) -> bool:
        return bool(self.tests) or (self.kind in DOCUMENTABLE and bool(self.docs))


@dataclass(frozen=True)
class Claim:
    """A test, or a page, that names a row."""

    id: str
    where: str


def read_rows(folder: Path) -> dict[str, Row]:
    """Every row of the tables below `folder`, by id."""
    rows: dict[str, Row] = {}
    for path in sorted(folder.glob("*.md")):
        header: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("|"):
                header = []
                continue
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not header:
                header = [cell.lower() for cell in cells]
            elif len(cells) >= 2 and _ID.match(cells[0]) and "issue" in header:
                named = dict(zip(header, cells, strict=False))
                text = named.get("requirement") or named.get("feature") or named.get("pain") or cells[2]
                rows[cells[0]] = Row(cells[0], named["issue"], named.get("kind", ""), text, named.get("same as", ""))
    return rows


def read_tests(root: Path) -> tuple[list[Claim], list[str]]:
    """The claims of all tests below `root`, and what is wrong with them."""
    claims: list[Claim] = []
    problems: list[str] = []
    for path in sorted(_test_files(root)):
        place = str(path.relative_to(root))
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=place)
        module_ids = _module_ids(tree)
        for name, node, outer in _tests(tree):
            ids = [*_marked(node), *outer]
            if len(set(ids) | set(module_ids)) > MOST_PER_TEST:
                count = len(set(ids) | set(module_ids))
                problems.append(f"{place}::{name} claims {count} rows; a test proves at most {MOST_PER_TEST}")
            claims += [Claim(one, f"{place}::{name}") for one in dict.fromkeys([*ids, *module_ids])]
    return claims, problems


def _test_files(root: Path) -> Iterator[Path]:
    for folder in TEST_FOLDERS:
        for path in (root / folder).rglob("*.py"):
            if path.name.startswith("test_") and not {"node_modules", "build", ".venv"} & set(path.parts):
                yield path


def _tests(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, list[str]]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node.name, node, []
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name.startswith("test"):
                    yield f"{node.name}::{inner.name}", inner, _marked(node)


def _marked(node: ast.AST) -> list[str]:
    return [one for decorator in getattr(node, "decorator_list", []) for one in _ids_of(decorator)]


def _module_ids(tree: ast.Module) -> list[str]:
    found = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "pytestmark" for target in node.targets):
            marks = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            found += [one for mark in marks for one in _ids_of(mark)]
    return found


def _ids_of(mark: ast.expr) -> list[str]:
    if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "req":
        return [one.value for one in mark.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return []


def read_docs(root: Path) -> list[Claim]:
    """The rows that pages of the docs say they meet."""
    claims = []
    for path in sorted((root / "docs").rglob("*.md")):
        for line in _DOCS_LINE.findall(path.read_text(encoding="utf-8")):
            claims += [
                Claim(one, str(path.relative_to(root))) for part in line.rstrip(".").split(",") for one in _expand(part)
            ]
    return claims


def _expand(part: str) -> list[str]:
    part = part.strip().strip("`")
    if found := _RANGE.match(part):
        prefix, first, last = found.groups()
        return [f"{prefix}-{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]
    return [part] if part else []


def collect(rows: dict[str, Row], tests: list[Claim], docs: list[Claim]) -> list[str]:
    """Write the claims into their rows; what is wrong with the claims."""
    problems = []
    for kind, claims in (("tests", tests), ("docs", docs)):
        for claim in claims:
            row = rows.get(claim.id)
            if row is None:
                problems.append(f"{claim.where} names {claim.id}, which is no row")
            elif kind == "docs" and row.kind not in DOCUMENTABLE:
                problems.append(f"{claim.where} names {claim.id}, a {row.kind or 'feature'} row: a test must prove it")
            else:
                getattr(row, kind).append(claim.where)
    return problems


def report(rows: list[Row], problems: list[str], issue: str | None) -> int:
    """Print the rows with what proves them; the exit code."""
    for row in rows:
        proofs = [*row.tests, *(row.docs if row.kind in DOCUMENTABLE else [])]
        print(f"{'ok  ' if row.proved else '--  '}{row.id:<7} {row.text}")
        for proof in proofs:
            print(f"            {proof}")
    unproved = [row for row in rows if not row.proved]
    print(f"\n{len(rows) - len(unproved)} of {len(rows)} rows have a test or a page.")
    if issue and unproved:
        print(f"Without: {', '.join(row.id for row in unproved)}")
    for problem in problems:
        print(f"Error: {problem}", file=sys.stderr)
    return 1 if problems or (issue and unproved) else 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Which requirement is proved by which test.")
    parser.add_argument("--issue", help="only the rows of this issue; fail if one has neither test nor page")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    folder = Path(os.environ.get("OSSATURE_REQUIREMENTS") or chosen.root / "../shared/requirements")
    if not folder.is_dir():
        print(f"{folder} does not exist; name the folder of the tables in OSSATURE_REQUIREMENTS.", file=sys.stderr)
        return 2
    rows = read_rows(folder)
    tests, problems = read_tests(chosen.root)
    problems += collect(rows, tests, read_docs(chosen.root))
    listed = [row for row in rows.values() if chosen.issue is None or row.issue == chosen.issue]
    if not listed:
        print(f"No row belongs to {chosen.issue!r}.", file=sys.stderr)
        return 2
    return report(listed, problems, chosen.issue)


if __name__ == "__main__":
    sys.exit(main())
