/* The driver of virtio disks as a program: finds its handles by name. */
#include <stdio.h>
#include <string.h>

#include "driver.h"
#include "tern/start.h"

/* Handles of the devices, as `virtio-devices disk 2` of the manifest gives them. */
static void find_devices(struct driver_start *start)
{
	char name[24];

	for (unsigned int i = 0; i < DRIVER_DISKS; i++) {
		snprintf(name, sizeof(name), "disk-%u", i);
		start->registers[i] = tern_start_handle(name);
		snprintf(name, sizeof(name), "disk-%u-interrupt", i);
		start->interrupts[i] = tern_start_handle(name);
	}
}

int main(void)
{
	struct driver_start start = {
		.listener = tern_start_handle("listener"),
		.device = tern_start_handle("device"),
		.dma = tern_start_handle("dma"),
	};
	int error;

	find_devices(&start);
	error = driver_run(&start);
	if (error)
		fprintf(stderr, "virtio-blk: cannot start: %s\n", strerror(-error));
	return error ? 1 : 0;
}
