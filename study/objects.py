"""What lies where in the kernel's memory, learned from the trace itself.

The kernel's global variables have an address and a type in its debug information. A pointer that
is loaded from, or stored to, a field of a known object makes what it points at known too. So the
path shows its own objects: hart, current thread, its process, the slot of the handle, the port.

A pointer to `struct object` stands for the object that it is embedded in: the kernel's own table
object_types says at which offset. A pointer to one structure may be to the first of an array.
"""
import bisect

MASK = (1 << 64) - 1
ARRAY_REACH = 1 << 16  # bytes behind a pointer's target that may be further elements of an array
ELEMENT_SIZES = (8, 16, 32)  # of structures that may be elements of one
TYPE_TABLE, HEADER = "object_types", "object"


class Region:
    """A known range of memory: an object, a variable, or an array behind a pointer."""

    def __init__(self, address, kind, size, name):
        self.address, self.kind, self.size, self.name = address, kind, size, name


class Objects:
    """Grows while a trace is being recorded."""

    def __init__(self, types, kernel, read):
        self.types = types
        self.read = read  # (address, length) -> bytes of the kernel's memory at this moment
        self.regions = {}
        self.bases = []
        self.kinds = None
        self.table = kernel.by_name.get(TYPE_TABLE)
        for address, variable in types.variables.items():
            kind = types.target(variable)
            if types.size(kind):
                self.add(address, kind, types.name_of(variable))

    def add(self, address, kind, name=""):
        if address not in self.regions:
            self.regions[address] = Region(address, kind, self.types.size(kind), name)
            bisect.insort(self.bases, address)

    def find(self, address):
        """(region, element, offset in it) of an address, or None."""
        at = bisect.bisect_right(self.bases, address) - 1
        while at >= 0 and self.bases[at] + ARRAY_REACH > address:
            region = self.regions[self.bases[at]]
            distance = address - region.address
            if distance < region.size:
                return self._within(region, distance)
            at -= 1
        at = bisect.bisect_right(self.bases, address) - 1
        region = self.regions[self.bases[at]] if at >= 0 else None
        if (region and not region.name and address - region.address < ARRAY_REACH
                and region.size in ELEMENT_SIZES):
            return region, *divmod(address - region.address, region.size)
        return None

    def _within(self, region, distance):
        """An array of structures is looked at element by element."""
        if region.kind.tag == "array_type":
            size = self.types.size(self.types.target(region.kind))
            return region, *divmod(distance, size or region.size)
        return region, 0, distance

    def element_kind(self, region):
        return (self.types.target(region.kind) if region.kind.tag == "array_type"
                else region.kind)

    def field(self, address, size=1):
        """The leaf at an address, or None; of a union's members the first."""
        found = self.find(address)
        if not found:
            return None
        region, _, offset = found
        for field in self.types.fields(self.element_kind(region)):
            if field.offset <= offset < field.offset + max(field.size, 1):
                return field
        return None

    def pointers(self, address):
        """The pointer types of the fields at an address: a union may hold several."""
        found = self.find(address)
        if not found:
            return []
        region, _, offset = found
        return [field.type for field in self.types.fields(self.element_kind(region))
                if field.offset == offset and field.type and field.type.tag == "pointer_type"]

    def learn(self, address, value):
        """A word with this value has been loaded from, or stored to, this address."""
        if value < 1 << 63 or value & 7:  # no pointer into the kernel's half
            return
        for pointer in self.pointers(address):
            target = self.types.target(pointer)
            if not target or target.tag != "structure_type" or not self.types.fields(target):
                continue
            if self.is_header(target):
                self._learn_object(value)
            elif target.get("name") not in ("list", "reclaim_node", "spinlock"):
                self.add(value, target)

    def _learn_object(self, address):
        """The whole that a struct object at this address is the head of."""
        kinds = self._object_kinds()
        offset = self._offset(self.types.structures[HEADER], "type")
        number = self.read(address + offset, 1)[0]
        if number in kinds:
            kind, before = kinds[number]
            self.add(address - before, kind)

    def _offset(self, kind, path):
        return next(field.offset for field in self.types.fields(kind) if field.path == path)

    def _object_kinds(self):
        """{type number: (structure, offset of its struct object)} from the kernel's own table."""
        if self.kinds is None:
            self.kinds = {}
            row = self.types.structures["object_type"]
            table, width = self.regions[self.table], self.types.size(row)
            content = self.read(self.table, table.size)
            for number in range(table.size // width):
                size, offset = (int.from_bytes(content[at:at + 2], "little") for at in
                                (number * width + self._offset(row, "size"),
                                 number * width + self._offset(row, "offset")))
                kind = self._structure_with(size, offset)
                if kind:
                    self.kinds[number] = (kind, offset)
        return self.kinds

    @staticmethod
    def is_header(kind):
        return kind is not None and kind.tag == "structure_type" and kind.get("name") == HEADER

    def _structure_with(self, size, offset):
        """The one structure of that size with a struct object at that offset."""
        for kind in self.types.structures.values():
            if self.types.size(kind) == size and any(
                    member.get("data_member_location", 0) == offset
                    and self.is_header(self.types.target(member)) for member in kind.children):
                return kind
        return None
