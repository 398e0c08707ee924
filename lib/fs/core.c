/* A file server's life, and its exclusive sections. */
#include <stdlib.h>

#include "lib/fs/fs.h"

int fs_init(struct fs *fs, const struct fs_operations *operations,
	    const struct fs_transport *transport, void *storage, uint64_t root_inode)
{
	*fs = (struct fs){ .operations = operations,
			   .transport = transport,
			   .storage = storage,
			   .root_inode = root_inode,
			   .node_buckets = 1 << 10,
			   .node_limit = 1 << 15,
			   .name_buckets = 1 << 11,
			   .name_limit = 1 << 17,
			   .next_cookie = 3 };
	fs->nodes = calloc(fs->node_buckets, sizeof(*fs->nodes));
	fs->names = calloc(fs->name_buckets, sizeof(*fs->names));
	if (!fs->nodes || !fs->names) {
		free(fs->nodes);
		free(fs->names);
		return -ENOMEM;
	}
	pthread_mutex_init(&fs->change, NULL);
	fs_mutex_init(&fs->lock);
	return 0;
}

void fs_destroy(struct fs *fs)
{
	uint32_t index;
	uint64_t bucket;

	for (index = 0; index < fs->session_count; index++)
		if (fs->sessions[index].is_used)
			fs_session_end(fs, index);
	for (index = 0; index < fs->open_count; index++)
		if (fs->opens[index])
			fs_open_close(fs, fs->opens[index]);
	for (bucket = 0; bucket < fs->node_buckets; bucket++)
		while (fs->nodes[bucket])
			fs_node_free(fs, fs->nodes[bucket]);
	free(fs->nodes);
	free(fs->names);
	free(fs->sessions);
	fs_opens_free(fs);
	pthread_mutex_destroy(&fs->change);
	fs_mutex_destroy(&fs->lock);
}

void fs_begin_exclusive(struct fs *fs)
{
	pthread_mutex_lock(&fs->change);
	fs_relock(fs);
}

void fs_end_exclusive(struct fs *fs)
{
	fs_nodes_shrink(fs);
	fs_unlock(fs);
	pthread_mutex_unlock(&fs->change);
}
