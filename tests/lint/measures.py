#!/usr/bin/python3
"""measures.py [ROOT]: prints the measures of the source and fails on those out of bounds."""
import statistics
import sys

import source

C_FILES = (".c", ".h")
ALL_FILES = (".c", ".h", ".S")
INCLUDE_FOLDERS = ["", "include/", "arch/riscv/include/", "tests/host/include/",
                   "tests/kernel/rt/"]
KERNEL_CODE_LIMIT = 14200


class Report:
    def __init__(self):
        self.failures = 0

    def line(self, good, text):
        print(("PASS lint: " if good else "FAIL lint: ") + text)
        self.failures += not good


def check_functions(report, root):
    lengths, long = [], []
    for path in source.find(root, source.LAYERS, C_FILES):
        for name, length in source.functions(source.read(root, path)):
            lengths.append(length)
            if length > 60:
                long.append(f"{path}:{name} ({length})")
    if not lengths:
        return
    lengths.sort()
    median = statistics.median(lengths)
    ninth = lengths[int(0.9 * (len(lengths) - 1))]
    report.line(median <= 12, f"functions: {len(lengths)}, median {median:g} lines (at most 12)")
    report.line(ninth <= 40, f"functions: 90 % are at most {ninth} lines (at most 40)")
    report.line(not long, f"functions over 60 lines: {', '.join(long) or 'none'}")


def check_files(report, root):
    long = []
    for path in source.find(root, source.LAYERS + ["scripts", "linker"], ("",)):
        if path.endswith(ALL_FILES + (".py", ".sh", ".ld", ".js", ".css", ".html")):
            length = source.read(root, path).count("\n")
            if length > 700:
                long.append(f"{path} ({length})")
    report.line(not long, f"files over 700 lines: {', '.join(long) or 'none'}")
    makefile = source.read(root, "Makefile").count("\n")
    report.line(makefile <= 200, f"Makefile: {makefile} lines (at most 200)")


def check_kernel(report, root):
    code = comments = written = 0
    for path in source.find(root, ["kernel", "arch"], ALL_FILES):
        text = source.read(root, path)
        code += source.code_lines(text)
        comments += source.comment_lines(text)
        written += sum(1 for line in text.splitlines() if line.strip())
    report.line(code <= KERNEL_CODE_LIMIT,
                f"kernel: {code} lines of C and assembly without comments and blanks "
                f"(at most {KERNEL_CODE_LIMIT})")
    print(f"kernel: {100 * comments / max(written, 1):.0f} % of the lines hold a comment")


def include_graph(root):
    files = set(source.find(root, source.LAYERS, ALL_FILES))
    graph = {}
    for path in files:
        own = path.rsplit("/", 1)[0] + "/"
        graph[path] = []
        for _, name, _ in source.includes(source.read(root, path)):
            places = [folder + name for folder in [own] + INCLUDE_FOLDERS]
            graph[path] += [place for place in places if place in files][:1]
    return graph


def find_cycle(graph):
    """A list of files that include each other in a circle, or None."""
    done = set()

    def visit(path, trail):
        if path in trail:
            return trail[trail.index(path):] + [path]
        if path in done:
            return None
        for other in graph[path]:
            cycle = visit(other, trail + [path])
            if cycle:
                return cycle
        done.add(path)
        return None

    return next((cycle for path in sorted(graph) if (cycle := visit(path, []))), None)


def check_cycles(report, root):
    cycle = find_cycle(include_graph(root))
    report.line(not cycle, f"circular includes: {' -> '.join(cycle) if cycle else 'none'}")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    report = Report()
    for check in (check_functions, check_files, check_kernel, check_cycles):
        check(report, root)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
