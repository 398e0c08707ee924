"""What the checks in this folder share: finding source files and taking C text apart."""
import os
import re

LAYERS = ["arch", "kernel", "include", "lib", "servers", "libmusl-port", "study", "examples",
          "tests"]
UNMODIFIED = "tests/bench/posixbench.c"  # Linux's figures were made with just this text
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def find(root, folders, endings):
    """Paths below the folders with one of the endings, relative to root, sorted."""
    found = []
    for folder in folders:
        for path, _, names in os.walk(os.path.join(root, folder)):
            found += [os.path.relpath(os.path.join(path, name), root)
                      for name in names if name.endswith(endings)]
    return sorted(path for path in found if path != UNMODIFIED)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def without_comments(text):
    """The text with comments blanked out; line numbers stay as they are."""
    def blank(match):
        token = match.group(0)
        return re.sub(r"[^\n]", " ", token) if token.startswith("/") else token
    return TOKEN.sub(blank, text)


def comment_lines(text):
    """How many lines hold at least a part of a comment."""
    lines = set()
    for match in TOKEN.finditer(text):
        if match.group(0).startswith("/"):
            first = text.count("\n", 0, match.start())
            lines.update(range(first, first + match.group(0).count("\n") + 1))
    return len(lines)


def code_lines(text):
    """How many lines hold something other than comments and blanks."""
    return sum(1 for line in without_comments(text).splitlines() if line.strip())


def functions(text):
    """(name, lines) of each function: in this style its braces stand alone in column 0."""
    lines = without_comments(text).splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{" and number > 0 and lines[number - 1].rstrip().endswith(")"):
            start = number
            while start > 0 and lines[start - 1].strip() and not lines[start - 1].startswith(
                    ("}", "#")) and not lines[start - 1].rstrip().endswith(";"):
                start -= 1
        elif line == "}" and start is not None:
            name = re.search(r"(\w+)\s*\(", " ".join(lines[start:number]))
            yield (name.group(1) if name else "?"), number - start + 1
            start = None


def includes(text):
    """(line number, name, is_system) of each include."""
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)', line)
        if match:
            yield number, match.group(2), match.group(1) == "<"
