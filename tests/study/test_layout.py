"""Debug information, step records and the objects that a trace finds, on small files made here."""
import struct

import pytest
import toolbox

import dwarf
import elf
import objects
import steps

SOURCE = """
struct object { void *callee; unsigned char type; };
struct item { struct item *next; union { long key; struct item *other; }; char tag[2]; };
struct port { long userdata; struct object object; };
struct object_type { const char *name; unsigned short size, offset; };
struct slot { struct object *object; long key; };
struct slot *slots;
const struct object_type object_types[2] = {
    [1] = { "port", sizeof(struct port), __builtin_offsetof(struct port, object) } };
struct item items[3];
struct slot *get(void) { return slots; }
const void *table(void) { return object_types; }
struct item *all(struct port *port) { return port ? items : 0; }
"""
HEAP = (1 << 64) - (1 << 40)


@pytest.fixture(scope="module", name="path")
def fixture_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layout")
    source = folder / "layout.c"
    source.write_text(SOURCE)
    return toolbox.assemble(source, folder / "layout", "-nostdlib", "-static", "-g", "-O1",
                            "-Wl,-e,get")


@pytest.fixture(scope="module", name="known")
def fixture_known(path):
    return dwarf.Types(path)


def test_fields_have_offsets_sizes_and_paths(known):
    found = [(field.offset, field.size, field.path)
             for field in known.fields(known.structures["item"])]
    assert found == [(0, 8, "next"), (8, 8, "key"), (8, 8, "other"), (16, 1, "tag[0]"),
                     (17, 1, "tag[1]")]


def test_types_have_their_names_in_c(known):
    by_path = {field.path: known.name(field.type)
               for field in known.fields(known.structures["item"])}
    assert (by_path["next"], by_path["key"]) == ("struct item *", "long int")


def test_variables_have_addresses(known, path):
    address = elf.Elf(path).by_name["items"]
    assert known.name_of(known.variables[address]) == "items"
    assert known.size(known.target(known.variables[address])) == 3 * 24


def found_objects(known, path, memory):
    return objects.Objects(known, elf.Elf(path), lambda address, length: memory[address][:length])


def test_object_is_found_through_its_slot(known, path):
    """slots -> slots[2].object -> the port that it is embedded in, by its type number."""
    image = elf.Elf(path)
    table = image.by_name["object_types"]
    row = struct.pack("<QHH4x", 0, 24, 8)
    memory = {table: bytes(16) + row, HEAP + 0x1000 + 8 + 8: b"\1"}
    found = found_objects(known, path, memory)
    found.learn(image.by_name["slots"], HEAP)
    found.learn(HEAP + 32, HEAP + 0x1000 + 8)
    region, element, offset = found.find(HEAP + 32)
    assert (known.name(region.kind), element, offset) == ("struct slot", 2, 0)
    assert found.field(HEAP + 0x1000).path == "userdata"
    assert found.field(HEAP + 0x1000 + 8).path == "object.callee"


def test_user_pointers_and_plain_numbers_teach_nothing(known, path):
    found = found_objects(known, path, {})
    before = len(found.regions)
    found.learn(elf.Elf(path).by_name["slots"], 0x12345678)
    found.learn(HEAP, HEAP + 64)
    assert len(found.regions) == before


def record(address, number, budget, title):
    data = struct.pack("<QII", address, number, budget) + title.encode() + b"\0"
    return data + bytes(-len(data) % 8)


def test_step_records_are_read_in_order_of_address():
    found = steps.parse(record(64, 2, 9, "second") + record(32, 1, 5, "first") + record(96, 0, 0, ""))
    assert [(step.address, step.number, step.budget, step.title) for step in found] == [
        (32, 1, 5, "first"), (64, 2, 9, "second"), (96, 0, 0, "")]


def test_file_without_steps_has_none(path):
    found = steps.Steps(path)
    assert found.records == [] and found.at(0x1000) is None
