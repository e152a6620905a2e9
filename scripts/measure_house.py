"""Measure the house: code lines, copies, SQL, long files and vague names of any commit.

    python -m scripts.measure_house d9b2b14 HEAD     # one column a commit; a folder such as `.` as it is

Commits are checked out into temporary worktrees. Measured are `bench`, `methods`, `reports` and `scripts`.

code lines        lines with a Python token, without blank lines, comments, docstrings and other bare strings
repeated blocks   pylint's duplicate-code (R0801) for six or more equal lines: signatures count; imports, comments
                  and docstrings do not, or do in the row `every line`
modules with SQL  .py files with a string, docstrings aside, that begins with an SQL keyword in capitals
F811              `noqa: F811` in tests
long files        .py and .js of more than 300 lines
vague names       variables, parameters, loop targets, fields and attributes set on `self`; one that is set several
                  times in a function or class counts once there
"""

import argparse
import ast
import io
import json
import re
import subprocess
import sys
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

FOLDERS = ("bench", "methods", "reports", "scripts")
VAGUE = ("found", "made", "said", "told", "known", "wanted", "given", "chosen")
MAX_LINES = 300

_SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|PRAGMA|ATTACH|DETACH|BEGIN|COMMIT|VACUUM|WITH"
    r"|FROM|(LEFT |CROSS )?JOIN|WHERE|GROUP BY|ORDER BY|ON CONFLICT)\b"
)
_NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip
_SCOPES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def measure(root: Path) -> dict[str, int]:
    """Return the figures of a checkout, by the name of their row."""
    modules = [file for folder in FOLDERS for file in sorted((root / folder).rglob("*.py"))]
    trees = {file: ast.parse(file.read_bytes()) for file in modules}
    rows = {f"code lines, {folder}": 0 for folder in FOLDERS}
    for file in modules:
        rows[f"code lines, {file.relative_to(root).parts[0]}"] += code_lines(file.read_text("utf-8"))
    rows["code lines"] = sum(rows.values())
    rows["repeated blocks"] = repeated_blocks(root, "signatures")
    rows["repeated blocks, every line"] = repeated_blocks(root, "signatures", "imports", "comments", "docstrings")
    rows["modules with SQL"] = sum(map(has_sql, trees.values()))
    rows["files .sql"] = sum(1 for folder in FOLDERS for _ in (root / folder).rglob("*.sql"))
    tests = "".join(file.read_text("utf-8") for file in (root / "tests").rglob("*.py"))
    rows["F811 in tests"] = len(re.findall(r"noqa:[^#\n]*\bF811\b", tests))
    scripts = [file for folder in FOLDERS for file in (root / folder).rglob("*.js")]
    rows["long files"] = sum(len(file.read_bytes().splitlines()) > MAX_LINES for file in modules + scripts)
    names = Counter(name for tree in trees.values() for name in vague_names(tree))
    return rows | {f"variables called {name}": names[name] for name in VAGUE} | {"vague names": names.total()}


def code_lines(source: str) -> int:
    """Count the lines of a module that hold code."""
    tree = ast.parse(source)
    strings = {(node.lineno, node.col_offset) for node in _bare_strings(tree)}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE and token.start not in strings:
            lines.update(range(token.start[0], token.end[0] + 1))
    text = source.splitlines()
    return sum(1 for line in lines if text[line - 1].strip())


def repeated_blocks(root: Path, *counted: str) -> int:
    """Count pylint's messages about repeated lines, with the kinds of line that it would ignore unasked."""
    folders = [folder for folder in FOLDERS if any((root / folder).rglob("*.py"))]
    command = [sys.executable, "-m", "pylint", "--rcfile=/dev/null", "--disable=all", "--enable=duplicate-code"]
    command += ["--min-similarity-lines=6", *(f"--ignore-{kind}=no" for kind in counted)]
    command += ["--output-format=json2", "--recursive=y", *folders]
    report = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout
    return sum(message["messageId"] == "R0801" for message in json.loads(report)["messages"])


def has_sql(tree: ast.Module) -> bool:
    """Say whether a string of a module begins as SQL does."""
    bare = set(_bare_strings(tree))
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in bare)
    return any(isinstance(node.value, str) and _SQL.match(node.value) for node in constants)


def vague_names(scope: ast.AST) -> Iterator[str]:
    """Yield the vague names that are set in a scope and in those within it, once a scope."""
    names: set[str | None] = set()
    inner = []
    nodes = list(ast.iter_child_nodes(scope))
    while nodes:
        node = nodes.pop()
        names.add(_name_set_by(node))
        if isinstance(node, _SCOPES):
            inner.append(node)
        else:
            nodes += ast.iter_child_nodes(node)
    yield from (name for name in VAGUE if name in names)
    for node in inner:
        yield from vague_names(node)


def _name_set_by(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ExceptHandler(name=name):
            return name
        case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
            return name
        case ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
    return None


def _bare_strings(tree: ast.Module) -> list[ast.Constant]:
    values = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return [value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]


def table(columns: dict[str, dict[str, int]]) -> str:
    """Return the figures as text, one column a commit."""
    return str(pd.DataFrame(columns).map("{:,}".format).to_string())


def _checked_out(commit: str, stack: ExitStack) -> Path:
    if Path(commit).is_dir():
        return Path(commit)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "tree"
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(folder), commit], check=True)
    stack.callback(subprocess.run, ["git", "worktree", "remove", "--force", str(folder)], check=True)
    return folder


def main() -> None:
    """Measure the commits of the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="+", help="a commit, or a folder that holds a checkout")
    with ExitStack() as stack:
        commits = parser.parse_args().commit
        columns = {commit: measure(_checked_out(commit, stack)) for commit in commits}
    print(table(columns))  # noqa: T201 (the table is what it is run for)


if __name__ == "__main__":
    main()
