/* Starts drivers, and keeps what must outlive them; see disk.h. */
#include "disk.h"
#include "lib/virtio/places.h"
#include "lib/virtio/virtio.h"

#define ACCOUNT (4ul << 20) /* what a driver may use, of which it needs less than half */
#define PAUSE_NS 1000000ul
#define PATIENCE 60000

struct supervisor driver;

/* What the child finds at its start: handles have its own values. */
static struct rt_shared shared;

static void driver_body(uint64_t argument)
{
	const struct driver_start *start = (const struct driver_start *)argument;

	rt_exit((uint32_t)-driver_run(start));
}

static struct virtio_grant grants[DRIVER_DISKS];
static unsigned int grant_count;

/* What init would give: the devices that are disks. */
static void find_devices(void)
{
	uint64_t length = (rt_boot->device_tree_length + RT_PAGE - 1) & ~(RT_PAGE - 1);
	const void *tree = (const void *)tern_region_map(TERN_SELF_PROCESS, rt_boot->device_tree, 0,
							 0, length, TERN_MAP_READ);
	struct virtio_place places[VIRTIO_PLACES_MAX];
	unsigned int count = virtio_places(rt_boot->resource, tree, rt_boot->device_tree_length,
					   places);

	grant_count = 0;
	for (unsigned int i = 0; i < count; i++)
		if (places[i].type == VIRTIO_ID_BLOCK && grant_count < DRIVER_DISKS) {
			grants[grant_count] = virtio_place_grant(rt_boot->resource, driver.listener,
								 &places[i], grant_count);
			grant_count++;
		}
	tern_region_unmap(TERN_SELF_PROCESS, (uint64_t)tree, length);
}

void driver_prepare(void)
{
	driver.listener = tern_listener_create(0, 1024);
	driver.dma = tern_memobj_create_physical(0, rt_boot->resource, 0, DRIVER_DMA_BYTES,
						 TERN_PHYSICAL_CONTIGUOUS);
	driver.device = tern_device_create(0, rt_boot->resource, DRIVER_PINS);
	driver.account = tern_account_create(0, ACCOUNT);
	find_devices();
	CHECK_EQ(tern_account_set_pager(rt_boot->resource, driver.account), 0);
	shared = rt_share(RT_PAGE);
	rt_require(driver.listener > 0 && driver.device > 0 && driver.dma > 0,
		   "a listener and DMA memory");
}

/* What a dead driver had comes back when every hart has seen that it is dead. */
static void await_memory(void)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (tern_account_info(driver.account, TERN_ACCOUNT_USED) <= (int64_t)ACCOUNT / 2)
			return;
		test_sleep(PAUSE_NS);
	}
}

void driver_start(void)
{
	struct driver_start *start = shared.address;
	tern_handle thread;

	await_memory();
	driver.process = rt_process(driver.account);
	rt_require(driver.process > 0, "a process for the driver");
	rt_share_with(&shared, driver.process);
	*start = (struct driver_start){
		.listener = rt_give(driver.process, driver.listener),
		.device = rt_give(driver.process, driver.device),
		.dma = rt_give(driver.process, driver.dma),
	};
	for (unsigned int i = 0; i < grant_count; i++) {
		start->registers[i] = rt_give(driver.process, grants[i].registers);
		start->interrupts[i] = rt_give(driver.process, grants[i].interrupt);
	}
	thread = rt_run(driver.process, driver_body, (uint64_t)start, 31);
	rt_require(thread > 0, "the driver's thread");
	tern_handle_close(thread);
	driver.starts++;
}

void driver_await(void)
{
	tern_handle port = driver_port(DISK_BIG, 0xff);
	struct block_disk disk;

	rt_require(block_open(&disk, port) == 0, "a driver that answers");
	tern_handle_close(port);
}

void driver_kill(void)
{
	tern_process_kill(driver.process, 9);
	rt_wait_process(driver.process);
	tern_handle_close(driver.process);
}

void driver_stop(void)
{
	uint32_t status;

	tern_listener_destroy(driver.listener);
	status = rt_wait_process(driver.process);
	if (status)
		rt_printf("driver ended with %u\n", status);
	for (unsigned int i = 0; i < grant_count; i++) {
		tern_handle_close(grants[i].registers);
		tern_handle_close(grants[i].interrupt);
	}
	tern_handle_close(driver.process);
	tern_handle_close(driver.listener);
	tern_handle_close(driver.dma);
	tern_handle_close(driver.device);
	tern_handle_close(driver.account);
	rt_unshare(&shared);
}

tern_handle driver_port(unsigned int disk, unsigned int client)
{
	tern_handle port = tern_port_create(0, driver.listener, client << 8 | disk,
					    TERN_PORT_PERSISTENT);

	rt_require(port > 0, "a client's port");
	return port;
}
