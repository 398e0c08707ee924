"""Structure layouts and global variables from an ELF file's debug information.

objdump prints it, as it does everything else that is read of the kernel; what is wanted of DWARF is
little: structures with their members, pointers, arrays, and where variables are.
"""
import functools
import re

import elf

ENTRY = re.compile(r" <([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+ \(DW_TAG_(\w+)\)")
ATTRIBUTE = re.compile(r"    <[0-9a-f]+>\s+DW_AT_(\w+)\s*: (.*)")
REFERENCE = re.compile(r"<0x([0-9a-f]+)>")
WANTED = {"structure_type", "union_type", "member", "pointer_type", "typedef", "const_type",
          "volatile_type", "atomic_type", "array_type", "subrange_type", "base_type",
          "enumeration_type", "variable"}
NUMBERS = {"byte_size", "data_member_location", "upper_bound", "count", "bit_size"}
ORIGINS = {"abstract_origin", "specification"}  # where an entry says the rest of itself
QUALIFIERS = {"typedef", "const_type", "volatile_type", "atomic_type"}
AGGREGATES = {"structure_type", "union_type"}
EXPANDED_ELEMENTS = 32  # longer arrays stay one field


class Entry:
    """One debugging information entry."""
    __slots__ = ("tag", "attributes", "children")

    def __init__(self, tag):
        self.tag = tag
        self.attributes = {}
        self.children = []

    def get(self, name, otherwise=None):
        return self.attributes.get(name, otherwise)


def parse_value(name, text):
    """What is wanted of an attribute's text, or None."""
    if name == "name":
        return text.rsplit("): ", 1)[-1].strip() if text.startswith("(ind") else text.strip()
    if name in ORIGINS or name == "type":
        found = REFERENCE.search(text)
        return int(found[1], 16) if found else None
    if name in NUMBERS:
        found = re.match(r"(0x[0-9a-f]+|\d+)", text)
        return int(found[1], 0) if found else None
    if name == "location":
        found = re.search(r"DW_OP_addr: ([0-9a-f]+)\)", text)
        return int(found[1], 16) if found else None
    return True if name == "declaration" else None


def parse(lines):
    """{offset: entry} of all entries that matter."""
    entries, parents, current = {}, {}, None
    for line in lines:
        found = ENTRY.match(line)
        if found:
            depth, offset, tag = int(found[1], 16), int(found[2], 16), found[3]
            current = Entry(tag) if tag in WANTED else None
            parents[depth] = current
            if current:
                entries[offset] = current
                if depth and parents.get(depth - 1):
                    parents[depth - 1].children.append(current)
            continue
        found = current and ATTRIBUTE.match(line)
        if found:
            value = parse_value(found[1], found[2])
            if value is not None:
                current.attributes[found[1]] = value
    return entries


class Field:
    """A leaf of a structure: a scalar, a pointer, or an array that is too long to expand."""
    __slots__ = ("offset", "size", "path", "type")

    def __init__(self, offset, size, path, kind):
        self.offset, self.size, self.path, self.type = offset, size, path, kind


class Types:
    """The types of one ELF file."""

    def __init__(self, path):
        output = elf.run_tool("objdump", "--dwarf=info", path)
        self.entries = parse(output.splitlines())
        self.structures = {}
        self.variables = {}
        for entry in self.entries.values():
            name = entry.get("name")
            if entry.tag in AGGREGATES and name and not entry.get("declaration"):
                self.structures.setdefault(name, entry)
            elif entry.tag == "variable" and entry.get("location") is not None:
                self.variables.setdefault(entry.get("location"), entry)

    def whole(self, entry):
        """The entry that has the name and the type: link-time optimisation splits them off."""
        while True:
            origin = next((self.entries[entry.get(name)] for name in sorted(ORIGINS)
                           if entry.get(name) in self.entries), None)
            if not origin:
                return entry
            entry = origin

    def name_of(self, variable):
        return self.whole(variable).get("name", "")

    def target(self, entry):
        """What an entry's type is, without qualifiers; a declaration is replaced by the whole."""
        entry = self.whole(entry)
        while entry and (found := self.entries.get(entry.get("type"))):
            entry = found
            if entry.tag not in QUALIFIERS:
                break
        else:
            return None
        if entry.get("declaration"):
            entry = self.structures.get(entry.get("name"), entry)
        return entry

    def count(self, array):
        """Elements of an array type, over all of its dimensions."""
        total = 1
        for child in array.children:
            if child.tag == "subrange_type":
                total *= child.get("upper_bound", child.get("count", 0) - 1) + 1
        return total

    def size(self, kind):
        if kind is None:
            return 0
        if kind.tag == "array_type":
            return self.count(kind) * self.size(self.target(kind))
        return kind.get("byte_size", 8 if kind.tag == "pointer_type" else 0)

    def name(self, kind):
        """As it is said in C."""
        if kind is None:
            return "void"
        if kind.tag == "pointer_type":
            return self.name(self.target(kind)) + " *"
        if kind.tag == "array_type":
            return f"{self.name(self.target(kind))}[{self.count(kind)}]"
        prefix = {"structure_type": "struct ", "union_type": "union ",
                  "enumeration_type": "enum "}.get(kind.tag, "")
        return prefix + kind.get("name", "")

    @functools.lru_cache(maxsize=None)
    def fields(self, kind):
        """The leaves of a structure in order of offset; members of a union overlap."""
        found = []
        self._collect(kind, 0, "", found)
        return sorted(found, key=lambda field: field.offset)

    def _collect(self, kind, offset, path, found):
        if kind is not None and kind.tag in AGGREGATES:
            for member in kind.children:
                if member.tag == "member":
                    name = member.get("name")
                    inner = ".".join(part for part in (path, name) if part)
                    self._collect(self.target(member), offset + member.get("data_member_location", 0),
                                  inner, found)
        elif (kind is not None and kind.tag == "array_type"
              and 0 < self.count(kind) <= EXPANDED_ELEMENTS):
            element = self.target(kind)
            for index in range(self.count(kind)):
                self._collect(element, offset + index * self.size(element), f"{path}[{index}]", found)
        else:
            found.append(Field(offset, self.size(kind), path, kind))
