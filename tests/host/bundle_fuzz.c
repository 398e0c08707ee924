/* libFuzzer: no archive makes the reader leave it, and what it finds lies inside. */
#include <stdlib.h>

#include "../../lib/bundle/bundle.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Right the checksums, or next to nothing would get past them. */
static void mend(uint8_t *archive, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		struct ustar_header *header = (struct ustar_header *)(archive + at);
		unsigned int sum = 0;

		if (!(archive[at + 500] & 1))
			continue;
		memcpy(header->magic, "ustar", 6);
		memset(header->checksum, ' ', sizeof(header->checksum));
		for (size_t i = 0; i < BLOCK; i++)
			sum += archive[at + i];
		for (int i = 5; i >= 0; i--, sum >>= 3)
			header->checksum[i] = (char)('0' + (sum & 7));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *archive = malloc(size + 1);
	struct bundle_file file;
	size_t at = 0;

	memcpy(archive, data, size);
	mend(archive, size);
	while (bundle_next(archive, size, &at, &file) == 1)
		if ((const uint8_t *)file.data < archive ||
		    (const uint8_t *)file.data + file.length > archive + size ||
		    strlen(file.name) >= BUNDLE_NAME_MAX)
			abort();
	free(archive);
	return 0;
}
