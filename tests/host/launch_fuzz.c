/* Whatever the file is: what elf_parse lets through keeps its promises. */
#include "lib/launch/elf.c"

#include <stdlib.h>

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_segments(const struct elf_image *image, uint64_t file_length)
{
	uint64_t end = ELF_ADDRESS_MIN;

	for (unsigned int i = 0; i < image->segment_count; i++) {
		const struct elf_segment *segment = &image->segments[i];

		require((segment->address & ~(PAGE - 1)) >= end);
		end = segment->address + segment->length;
		require(end > segment->address && end <= ELF_ADDRESS_MAX);
		end = (end + PAGE - 1) & ~(PAGE - 1);
		require(segment->offset <= file_length);
		require(segment->file_length <= file_length - segment->offset);
		require(segment->file_length <= segment->length);
		require((segment->protection & (TERN_MAP_WRITE | TERN_MAP_EXECUTE)) !=
			(TERN_MAP_WRITE | TERN_MAP_EXECUTE));
	}
}

/* The first byte says how much longer the file is than what is at hand, and repairs the magic. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT };
	struct elf_image image;
	uint64_t file_length;
	uint8_t *file;

	if (size < 2)
		return 0;
	size = size - 1 < ELF_HEADERS_MAX ? size - 1 : ELF_HEADERS_MAX;
	file_length = size + (data[0] & 127) * 512u;
	file = malloc(size);
	memcpy(file, data + 1, size);
	if (data[0] & 128 && size >= 20) {
		memcpy(file, magic, sizeof(magic));
		file[16] = ET_EXEC;
		file[17] = 0;
		file[18] = EM_RISCV;
		file[19] = 0;
	}
	if (!elf_parse(file, size, file_length, &image)) {
		require(image.segment_count > 0 && image.segment_count <= ELF_SEGMENTS_MAX);
		check_segments(&image, file_length);
		require(is_executable(&image, image.entry));
	}
	free(file);
	return 0;
}
