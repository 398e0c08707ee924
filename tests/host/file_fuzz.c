/*
 * Random messages against lib/fs with tmpfs: whatever words, lengths, windows and userdata come, the
 * answer is an error or right, and the tree's link counts and the handles' count hold afterwards.
 */
#include <assert.h>

#include "file_client.h"

#include "servers/tmpfs/tmpfs.h"

#include "fake_memobj.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

static uint8_t next_byte(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static const char *next_path(struct input *input, char *path)
{
	static const char *const names[] = { "a", "b",  "c",   "d",   ".",    "..",
					     "/", "ab", "a/b", "c/d", "../a", "" };
	unsigned count = next_byte(input) % 4;

	path[0] = 0;
	while (count--) {
		strcat(path, names[next_byte(input) % 12]);
		strcat(path, next_byte(input) & 1 ? "/" : "");
	}
	return path;
}

static uint64_t ports[8], tokens[8], files[8];

static uint64_t next_userdata(struct input *input)
{
	uint8_t choice = next_byte(input);

	if (choice < 120)
		return 0;
	if (choice < 190)
		return ports[choice % 8];
	if (choice < 250)
		return files[choice % 8];
	return (uint64_t)choice << 56 | next_byte(input);
}

static void one_request(struct input *input)
{
	static char out[FS_OUT_MAX], data[FILE_DATA_MAX], path[256], second[256];
	struct request request = { .op = next_byte(input) % (FILE_OPERATION_COUNT + 1) };
	unsigned sizes[] = { 0, 8, 16, sizeof(struct file_identity), 200, FILE_DATA_MAX };
	uint8_t slot;
	int64_t result;

	request.flags = next_byte(input) | (uint32_t)next_byte(input) << 8;
	request.flags |= (uint32_t)(next_byte(input) & 1) << 16;
	request.path = next_path(input, path);
	request.second = next_path(input, second);
	request.data_size = sizes[next_byte(input) % 6];
	memset(data, next_byte(input), sizeof(data));
	request.data = data;
	request.token = next_byte(input) & 1 ? tokens[next_byte(input) % 8] : 0;
	request.argument = next_byte(input);
	if (next_byte(input) & 1)
		request.argument = request.data_size;
	request.out = out;
	request.out_size = sizes[next_byte(input) % 6] * 3;
	request.userdata = next_userdata(input);
	windows_fault = next_byte(input) > 240;
	result = file_request(&request);
	if (result == WAITS)
		return;
	handles_alive -= the_call.handle_count;
	slot = next_byte(input) % 8;
	if (result >= 0 && request.op == FILE_OPEN) {
		if (files[slot])
			fs_no_clients(&file_system, files[slot]);
		tokens[slot] = the_call.words[1];
		files[slot] = fs_open_userdata(fs_open_at(&file_system, tokens[slot]));
	} else if (result >= 0 && request.op == FILE_SESSION) {
		if (ports[slot])
			fs_no_clients(&file_system, ports[slot]);
		ports[slot] = the_call.words[1] | (uint64_t)FS_PORT_SESSION << 56;
	}
}

/* Every directory has two links and one for each directory in it; other nodes as many as names. */
static void check_tree(void)
{
	struct fs_node *node;
	uint64_t names = 0, links = 0;

	for (uint64_t bucket = 0; bucket < file_system.node_buckets; bucket++) {
		for (node = file_system.nodes[bucket]; node; node = node->hash_next) {
			uint32_t directories = 0;
			uint64_t last = 0;

			assert(node->links || node->references);
			for (struct fs_name *name = node->first; name; name = name->next) {
				struct fs_node *child = fs_node_find(&file_system, name->inode);

				assert(child && name->cookie > last);
				last = name->cookie;
				directories += S_ISDIR(child->mode);
				names += !S_ISDIR(child->mode);
			}
			if (S_ISDIR(node->mode))
				assert(!node->links || node->links == 2 + directories);
			else
				links += node->links;
		}
	}
	assert(names == links);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, data + size };
	struct tmpfs tmpfs = { 0 };

	memset(ports, 0, sizeof(ports));
	memset(tokens, 0, sizeof(tokens));
	memset(files, 0, sizeof(files));
	handles_alive = 0;
	if (fs_init(&file_system, &tmpfs_operations, &fake_transport, &tmpfs, TMPFS_ROOT) ||
	    tmpfs_start(&file_system, &tmpfs, the_time))
		return 0;
	while (input.at < input.end)
		one_request(&input);
	check_tree();
	for (int i = 0; i < 8; i++)
		if (files[i])
			fs_no_clients(&file_system, files[i]);
	for (int i = 0; i < 8; i++)
		if (ports[i])
			fs_no_clients(&file_system, ports[i]);
	check_tree();
	fs_destroy(&file_system);
	return 0;
}
