/* Reports of a terminal's size; see the header. */
#include "lib/tty/size_report.h"

#define IAC 255 /* interpret as command */
#define SB 250  /* begin of an option's data */
#define SE 240  /* end of them */
#define NAWS 31 /* negotiate about window size */
#define DATA_BYTES 4

enum size_report size_report_look(const uint8_t *bytes, size_t length, struct tty_size *size)
{
	static const uint8_t head[] = { IAC, SB, NAWS }, tail[] = { IAC, SE };
	uint8_t data[DATA_BYTES];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(head); i++, at++)
		if (at == length || bytes[at] != head[i])
			return at == length ? SIZE_REPORT_PART : SIZE_REPORT_NONE;
	for (size_t i = 0; i < DATA_BYTES; i++) {
		if (at == length)
			return SIZE_REPORT_PART;
		data[i] = bytes[at++];
		if (data[i] != IAC)
			continue;
		if (at == length || bytes[at] != IAC)
			return at == length ? SIZE_REPORT_PART : SIZE_REPORT_NONE;
		at++;
	}
	for (size_t i = 0; i < sizeof(tail); i++, at++)
		if (at == length || bytes[at] != tail[i])
			return at == length ? SIZE_REPORT_PART : SIZE_REPORT_NONE;
	*size = (struct tty_size){
		.columns = (uint16_t)(data[0] << 8 | data[1]),
		.rows = (uint16_t)(data[2] << 8 | data[3]),
	};
	return SIZE_REPORT_WHOLE;
}
