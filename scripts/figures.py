#!/usr/bin/env python3
"""Prints figures of the sources and their documentation, each with its limit or its aim.

    scripts/figures.py            the figures
    scripts/figures.py --check    and status 1 where a limit is exceeded: part of `scripts/test.sh lint`

A limit holds; an aim is where a figure is meant to go. Tests count nowhere. Needs Python 3.10 and nothing else.
"""

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = "crates/requires-auth/src"
PYTHON = "python/requires_auth"

FUNCTION_LINES = 60
FILE_LINES = 500

# What a fence of an example may say that is compiled and run; an error that is expected is run, too.
RUNS = {"", "rust", "should_panic", "compile_fail"}

TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/                     # comments
    |b?r(?P<hashes>\#*)".*?"(?P=hashes)        # raw strings
    |b?"(?:\\.|[^"\\])*"                       # strings
    |b?'(?:\\[^\n]+?|[^'\\\n])'                # characters, and no lifetimes
    |\bfn\s+\w+|[{};]""",
    re.VERBOSE | re.DOTALL,
)


class Function(NamedTuple):
    path: str
    line: int
    name: str
    lines: int


def files(*patterns: str) -> list[str]:
    """The files of the repository that match: those that are tracked and those that are about to be."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return sorted({path for path in listed if (ROOT / path).is_file()})


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def is_of_tests(path: str) -> bool:
    name = Path(path)
    return name.stem in {"tests", "vectors"} or any(part in {"tests", "fuzz"} for part in name.parts[:-1])


def without_tests(text: str) -> str:
    return text.split("#[cfg(test)]\nmod tests")[0]


def rust_functions(path: str) -> list[Function]:
    """Each function that has a body, from its `fn` to its last brace."""
    text = without_tests(read(path))
    found, open_functions, depth, pending = [], [], 0, None
    for token in TOKEN.finditer(text):
        word = token[0]
        if word.startswith("fn"):
            pending = (word.split()[1], token.start())
        elif word == ";" and depth == (open_functions[-1][2] if open_functions else depth):
            pending = None
        elif word == "{":
            depth += 1
            if pending:
                open_functions.append((*pending, depth))
                pending = None
        elif word == "}":
            if open_functions and open_functions[-1][2] == depth:
                name, start, _ = open_functions.pop()
                line = text.count("\n", 0, start) + 1
                found.append(Function(path, line, name, text.count("\n", start, token.end()) + 1))
            depth -= 1
    return found


def python_functions(path: str) -> list[Function]:
    tree = ast.parse(read(path))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [Function(path, node.lineno, node.name, code_lines(node)) for node in nodes]


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Without its docstring, as in Rust, and without its signature, which is one line for each of its arguments."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def is_documentation(line: str) -> bool:
    return line.lstrip().startswith(("///", "//!"))


def examples(path: str) -> int:
    """The fenced examples in documentation that run."""
    count, is_open = 0, False
    for line in read(path).splitlines():
        fence = re.match(r"\s*//[/!] ?\s*```(.*)", line)
        if fence is None:
            continue
        words = set(re.split(r"[,\s]+", fence[1].strip()))
        if not is_open and words <= RUNS:
            count += 1
        is_open = not is_open
    return count


def root_names(lib: str) -> list[str]:
    """What `pub use` puts at the root of the library."""
    used = re.findall(r"^pub use ([^;]+);", lib, re.MULTILINE)
    return [name for path in used for name in re.findall(r"(\w+)\s*(?=[,}]|$)", path)]


class Figure(NamedTuple):
    name: str
    value: float
    bound: float
    is_limit: bool = False
    is_least: bool = False
    details: tuple[str, ...] = ()

    def holds(self) -> bool:
        return self.value >= self.bound if self.is_least else self.value <= self.bound

    def line(self) -> str:
        sign, kind = ("at least" if self.is_least else "at most"), ("limit" if self.is_limit else "aim")
        mark = "" if self.holds() else "  <- not yet" if not self.is_limit else "  <- TOO MUCH"
        return f"{self.name:<52}{self.value:>7g}   {kind} {sign} {self.bound:g}{mark}"


def functions() -> Figure:
    rust = [path for path in files("crates/*/src/**.rs", "python/src/**.rs", "bench/**.rs") if not is_of_tests(path)]
    found = [function for path in rust for function in rust_functions(path)]
    found += [function for path in files(f"{PYTHON}/**.py") for function in python_functions(path)]
    long = [function for function in found if function.lines > FUNCTION_LINES]
    details = tuple(f"{it.path}:{it.line} {it.name}: {it.lines} lines" for it in long)
    return Figure(f"functions over {FUNCTION_LINES} lines, of {len(found)}", len(long), 0, is_limit=True, details=details)


def long_files() -> Figure:
    patterns = ("crates/*/src/**.rs", "python/src/**.rs", "bench/**.rs", f"{PYTHON}/**.py")
    sources = [path for path in files(*patterns) if not is_of_tests(path)]
    lengths = {path: len(without_tests(read(path)).splitlines()) for path in sources}
    details = tuple(f"{path}: {lines} lines" for path, lines in lengths.items() if lines > FILE_LINES)
    return Figure(f"files over {FILE_LINES} lines, of {len(sources)}", len(details), 0, is_limit=True, details=details)


def library() -> list[Figure]:
    sources = [path for path in files(f"{LIBRARY}/**.rs") if not is_of_tests(path)]
    texts = [without_tests(read(path)).splitlines() for path in sources]
    lengths = [len(lines) for lines in texts]
    documentation = sum(is_documentation(line) for lines in texts for line in lines)
    lib = read(f"{LIBRARY}/lib.rs")
    # The README is the first page of the library's documentation; its examples are tested with the others.
    in_readme = len(re.findall(r"^```rust *$", read("README.md"), re.MULTILINE))
    return [
        Figure("library: documentation, % of its lines", round(100 * documentation / sum(lengths), 1), 25, is_least=True),
        Figure("library: examples that run", sum(map(examples, sources)) + in_readme, 80, is_least=True),
        Figure("library: mean lines of a file", round(statistics.mean(lengths)), 220),
        Figure("library: median lines of a file", round(statistics.median(lengths)), 180),
        Figure("library: names at the root", len(root_names(lib)), 12),
        Figure("library: public modules", len(re.findall(r"^pub mod ", lib, re.MULTILINE)), 14),
    ]


def main() -> int:
    readme = Figure("README: lines", len(read("README.md").splitlines()), 160, is_limit=True)
    figures = [*library(), functions(), long_files(), readme]
    for figure in figures:
        print(figure.line())
        for detail in figure.details:
            print(f"    {detail}")
    is_checked = "--check" in sys.argv[1:]
    return int(is_checked and any(figure.is_limit and not figure.holds() for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
