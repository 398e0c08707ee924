/* The journal's format, as far as extfs writes it. All numbers are big-endian. */
#ifndef EXTFS_JBD2_H
#define EXTFS_JBD2_H

#include <endian.h>
#include <stdint.h>

#define JBD2_MAGIC 0xc03b3998u

enum jbd2_type { JBD2_DESCRIPTOR = 1, JBD2_COMMIT = 2, JBD2_SUPER_V2 = 4 };

#define JBD2_TAG_ESCAPED 1
#define JBD2_TAG_SAME_UUID 2
#define JBD2_TAG_LAST 8

#define JBD2_INCOMPAT_64BIT 0x2u
#define JBD2_INCOMPAT_CSUM_V3 0x10u
#define JBD2_CRC32C 4

struct jbd2_header {
	uint32_t magic, type, sequence;
};

struct jbd2_super {
	struct jbd2_header header;
	uint32_t blocksize, maxlen, first;
	uint32_t sequence, start;
	uint32_t error;
	uint32_t feature_compat, feature_incompat, feature_ro_compat;
	uint8_t uuid[16];
	uint32_t users, dynamic_super, max_transaction, max_data;
	uint8_t checksum_type, padding[3];
	uint32_t fast_commit_blocks;
	uint32_t unused[41];
	uint32_t checksum;
	uint8_t user_ids[768];
};

struct jbd2_tag {
	uint32_t block, flags, block_high, checksum;
};

struct jbd2_commit {
	struct jbd2_header header;
	uint8_t checksum_type, checksum_size, padding[2];
	uint32_t checksum[8];
	uint64_t seconds;
	uint32_t nanoseconds;
} __attribute__((packed));

_Static_assert(sizeof(struct jbd2_super) == 1024, "on disk");

#endif
