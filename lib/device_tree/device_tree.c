/* Flattened device trees; see the header. The format is that of the Devicetree Specification 0.4. */
#include "lib/device_tree/device_tree.h"

#include <stdbool.h>
#include <string.h>

#define MAGIC 0xd00dfeedu
#define TOKEN_BEGIN 1
#define TOKEN_END 2
#define TOKEN_PROPERTY 3
#define TOKEN_NOP 4
#define TOKEN_TREE_END 9
#define DEPTH_MAX 16
#define CELL 4

struct tree {
	const uint8_t *structure, *strings;
	size_t structure_size, strings_size, at;
};

/* What is known of a node while its properties are read. */
struct node {
	uint32_t address_cells, size_cells; /* for its children */
	bool is_compatible, is_disabled, has_registers;
	struct device device;
};

struct property {
	const char *name;
	const uint8_t *value;
	size_t length;
};

static uint32_t get_cell(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* One or two cells; of more the last two count. */
static uint64_t get_cells(const uint8_t *at, uint32_t cells)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < cells; i++)
		value = value << 32 | get_cell(at + i * CELL);
	return value;
}

static bool is_inside(size_t size, uint64_t offset, uint64_t length)
{
	return offset <= size && length <= size - offset;
}

static bool tree_open(struct tree *tree, const uint8_t *blob, size_t size)
{
	uint32_t total, structure, strings;

	if (size < 10 * CELL || get_cell(blob) != MAGIC)
		return false;
	total = get_cell(blob + 4);
	structure = get_cell(blob + 8);
	strings = get_cell(blob + 12);
	tree->strings_size = get_cell(blob + 32);
	tree->structure_size = get_cell(blob + 36);
	if (total > size || !is_inside(total, structure, tree->structure_size) ||
	    !is_inside(total, strings, tree->strings_size))
		return false;
	tree->structure = blob + structure;
	tree->strings = blob + strings;
	return true;
}

static bool next_token(struct tree *tree, uint32_t *token)
{
	do {
		if (!is_inside(tree->structure_size, tree->at, CELL))
			return false;
		*token = get_cell(tree->structure + tree->at);
		tree->at += CELL;
	} while (*token == TOKEN_NOP);
	return true;
}

/* Behind `length` bytes, at the next cell. */
static bool pass_over(struct tree *tree, size_t length)
{
	size_t padded = (length + CELL - 1) / CELL * CELL;

	if (padded < length || !is_inside(tree->structure_size, tree->at, padded))
		return false;
	tree->at += padded;
	return true;
}

static bool pass_name(struct tree *tree)
{
	size_t room = tree->structure_size - tree->at;
	size_t length = strnlen((const char *)tree->structure + tree->at, room);

	return length < room && pass_over(tree, length + 1);
}

static bool read_property(struct tree *tree, struct property *property)
{
	uint32_t name;

	if (!is_inside(tree->structure_size, tree->at, 2 * CELL))
		return false;
	property->length = get_cell(tree->structure + tree->at);
	name = get_cell(tree->structure + tree->at + CELL);
	tree->at += 2 * CELL;
	property->value = tree->structure + tree->at;
	property->name = (const char *)tree->strings + name;
	return name < tree->strings_size &&
	       strnlen(property->name, tree->strings_size - name) < tree->strings_size - name &&
	       pass_over(tree, property->length);
}

static bool is_named(const struct property *property, const char *name)
{
	return strcmp(property->name, name) == 0;
}

/* Is `text` among the strings of the list? */
static bool has_string(const struct property *property, const char *text)
{
	size_t length = strlen(text) + 1;

	for (size_t at = 0; at < property->length;) {
		const uint8_t *entry = property->value + at;
		size_t room = property->length - at;
		size_t size = strnlen((const char *)entry, room) + 1;

		if (size == length && size <= room && !memcmp(entry, text, length))
			return true;
		at += size;
	}
	return false;
}

static void set_cells(const struct property *property, uint32_t *cells)
{
	if (property->length == CELL)
		*cells = get_cell(property->value);
}

static void read_registers(struct node *node, const struct node *parent,
			   const struct property *property)
{
	uint64_t cells = (uint64_t)parent->address_cells + parent->size_cells;

	if (property->length / CELL < cells || !parent->address_cells)
		return;
	node->has_registers = true;
	node->device.address = get_cells(property->value, parent->address_cells);
	node->device.length = get_cells(property->value + (size_t)parent->address_cells * CELL,
					parent->size_cells);
}

static void note_property(struct node *node, const struct node *parent,
			  const struct property *property, const char *compatible)
{
	if (is_named(property, "compatible"))
		node->is_compatible = has_string(property, compatible);
	else if (is_named(property, "status"))
		node->is_disabled = !has_string(property, "okay") && !has_string(property, "ok");
	else if (is_named(property, "#address-cells"))
		set_cells(property, &node->address_cells);
	else if (is_named(property, "#size-cells"))
		set_cells(property, &node->size_cells);
	else if (is_named(property, "interrupts") && property->length >= CELL)
		node->device.interrupt = get_cell(property->value);
	else if (is_named(property, "reg"))
		read_registers(node, parent, property);
}

/* Found devices, by rising address: the `room` lowest. */
struct found {
	struct device *devices;
	unsigned int count, room;
};

static void insert(struct found *found, const struct device *device)
{
	unsigned int at = 0;

	while (at < found->count && found->devices[at].address < device->address)
		at++;
	if (at == found->room ||
	    (at < found->count && found->devices[at].address == device->address))
		return;
	if (found->count < found->room)
		found->count++;
	memmove(&found->devices[at + 1], &found->devices[at],
		(found->count - at - 1) * sizeof(*device));
	found->devices[at] = *device;
}

static void consider(const struct node *node, struct found *found)
{
	if (node->is_compatible && !node->is_disabled && node->has_registers)
		insert(found, &node->device);
}

/* Returns 0, or -2 (damaged). */
static int collect(struct tree *tree, const char *compatible, struct found *found)
{
	struct node nodes[DEPTH_MAX + 1] = { { .address_cells = 2, .size_cells = 1 } };
	size_t depth = 0;
	uint32_t token;

	for (tree->at = 0; next_token(tree, &token) && token != TOKEN_TREE_END;) {
		struct property property;

		if (token == TOKEN_BEGIN && depth < DEPTH_MAX && pass_name(tree)) {
			nodes[++depth] = (struct node){ .address_cells = 2, .size_cells = 1 };
		} else if (token == TOKEN_END && depth) {
			consider(&nodes[depth--], found);
		} else if (token == TOKEN_PROPERTY && depth && read_property(tree, &property)) {
			note_property(&nodes[depth], &nodes[depth - 1], &property, compatible);
		} else {
			return -2;
		}
	}
	return depth ? -2 : 0;
}

int device_tree_list(const void *blob, size_t size, const char *compatible, struct device *devices,
		     unsigned int room)
{
	struct found found = { devices, 0, room };
	struct tree tree;

	if (!tree_open(&tree, blob, size) || collect(&tree, compatible, &found))
		return -2;
	return (int)found.count;
}

int device_tree_find(const void *blob, size_t size, const char *compatible, unsigned int index,
		     struct device *device)
{
	struct device devices[DEVICE_TREE_FIND_MAX];
	int count = device_tree_list(blob, size, compatible, devices, DEVICE_TREE_FIND_MAX);

	if (count < 0)
		return count;
	if (index >= (unsigned int)count)
		return -1;
	*device = devices[index];
	return 0;
}
