#!/usr/bin/env python3
"""Prints figures of the sources and their documentation, each with its limit or its aim.

    scripts/figures.py            the figures
    scripts/figures.py --check    and status 1 where a limit is exceeded: part of `scripts/test.sh lint`
    scripts/figures.py --files    a line for each file of the library and the testkit, the least documented first

A limit holds; an aim is where a figure is meant to go. Tests count nowhere. Needs Python 3.10 and nothing else.
"""

import ast
import functools
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = "crates/requires-auth/src"
TESTKIT = "crates/requires-auth-testkit/src"
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


# A module in a file of its own that is in no build which is shipped.
TEST_MODULE = re.compile(
    r"""^[ ]*\#\[cfg\((?:test|fuzzing)\)\]\s+(?:\#\[(?:path\s*=\s*"(?P<path>[^"]+)"|[^\]]*)\]\s+)*
    (?:pub(?:\([^)]*\))?[ ])?mod[ ](?P<name>\w+);""",
    re.MULTILINE | re.VERBOSE,
)


@functools.cache
def test_modules() -> frozenset[str]:
    """The files and the folders of such modules."""
    found = set()
    for source in files("*.rs"):
        for module in TEST_MODULE.finditer(read(source)):
            parent = Path(source)
            folder = parent.parent if parent.stem in {"lib", "main", "mod"} else parent.with_suffix("")
            if module["path"]:
                found.add(str(parent.parent / module["path"]))
            found |= {str(folder / f"{module['name']}.rs"), str(folder / module["name"])}
    return frozenset(found)


def is_of_tests(path: str) -> bool:
    parents = Path(path).parents
    is_beside = any(part.name in {"tests", "fuzz"} for part in parents)
    return is_beside or any(str(part) in test_modules() for part in (path, *parents))


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
    name = f"functions over {FUNCTION_LINES} lines, of {len(found)}"
    return Figure(name, len(long), 0, is_limit=True, details=details)


def long_files() -> Figure:
    patterns = ("crates/*/src/**.rs", "python/src/**.rs", "bench/**.rs", f"{PYTHON}/**.py")
    sources = [path for path in files(*patterns) if not is_of_tests(path)]
    lengths = {path: len(without_tests(read(path)).splitlines()) for path in sources}
    details = tuple(f"{path}: {lines} lines" for path, lines in lengths.items() if lines > FILE_LINES)
    return Figure(f"files over {FILE_LINES} lines, of {len(sources)}", len(details), 0, is_limit=True, details=details)


class Documented(NamedTuple):
    """A file with its lines, those of them that document, and its examples."""

    path: str
    lines: int
    documentation: int
    examples: int

    def line(self) -> str:
        share = 100 * self.documentation / max(self.lines, 1)
        return f"{share:5.1f} % {self.lines:5} lines {self.examples:3} examples  {self.path}"


def documented(folder: str) -> list[Documented]:
    found = []
    for path in files(f"{folder}/**.rs"):
        if not is_of_tests(path):
            lines = without_tests(read(path)).splitlines()
            found.append(Documented(path, len(lines), sum(map(is_documentation, lines)), examples(path)))
    return found


def documentation_of(name: str, sources: list[Documented], least_examples: int, more_examples: int = 0) -> list[Figure]:
    share = 100 * sum(it.documentation for it in sources) / sum(it.lines for it in sources)
    count = sum(it.examples for it in sources) + more_examples
    return [
        Figure(f"{name}: documentation, % of its lines", round(share, 1), 25, is_least=True, is_limit=True),
        Figure(f"{name}: examples that run", count, least_examples, is_least=True, is_limit=True),
    ]


def library() -> list[Figure]:
    sources = documented(LIBRARY)
    lib = read(f"{LIBRARY}/lib.rs")
    # The README is the first page of the library's documentation; its examples are tested with the others.
    in_readme = len(re.findall(r"^```rust *$", read("README.md"), re.MULTILINE))
    return [
        *documentation_of("library", sources, 80, in_readme),
        *documentation_of("testkit", documented(TESTKIT), 20),
        Figure("library: mean lines of a file", round(statistics.mean(it.lines for it in sources)), 220),
        Figure("library: median lines of a file", round(statistics.median(it.lines for it in sources)), 180),
        Figure("library: names at the root", len(root_names(lib)), 12),
        Figure("library: public modules", len(re.findall(r"^pub mod ", lib, re.MULTILINE)), 14),
    ]


def main() -> int:
    if "--files" in sys.argv[1:]:
        sources = documented(LIBRARY) + documented(TESTKIT)
        for source in sorted(sources, key=lambda it: it.documentation / max(it.lines, 1)):
            print(source.line())
        return 0
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
