/* Launches and kills extfs and the disk's driver, for tests; static, each has one program of them. */
#ifndef DISK_FILES_SUPERVISOR_H
#define DISK_FILES_SUPERVISOR_H

#include "lib/block/block.h"
#include "lib/launch/launch.h"
#include "lib/virtio/places.h"
#include "lib/virtio/virtio.h"
#include "tern/device.h"
#include "tern/memory.h"
#include "tern/process.h"
#include "tern/start.h"
#include "tern/system.h"
#include "tests/musl/files/client.h"

#define PRIORITY 16
#define DMA_BYTES (1ul << 20)

static tern_handle resource, device, dma;
static struct virtio_grant disk_grant;
static tern_handle blk_listener, disk_owner, disk;
static tern_handle listener, admin_owner, admin, session;
static tern_handle events, events_port;
static tern_handle account; /* extfs's */
static struct launched driver, server;

static struct launched run(const char *name, const struct launch_handle *handles, unsigned count,
			   tern_handle account)
{
	const char *const arguments[] = { name, NULL };
	struct launch what = { .account = account,
			       .image = check_image(name),
			       .arguments = arguments,
			       .handles = handles,
			       .handle_count = count,
			       .priority = PRIORITY };
	struct launched launched = { 0 };

	CHECK_EQ(launch(&what, &launched), 0);
	CHECK_EQ(tern_process_watch(launched.process, events_port), 0);
	return launched;
}

static void start_driver(void)
{
	const struct launch_handle handles[] = {
		{ "listener", blk_listener, TERN_RIGHTS_ALL },
		{ "device", device, TERN_RIGHTS_ALL },
		{ "dma", dma, TERN_RIGHTS_ALL },
		{ "disk-0", disk_grant.registers, TERN_RIGHTS_ALL },
		{ "disk-0-interrupt", disk_grant.interrupt, TERN_RIGHTS_ALL },
	};

	driver = run("virtio-blk", handles, 5, 0);
}

static void start_server(void)
{
	const struct launch_handle handles[] = {
		{ "listener", listener, TERN_RIGHTS_ALL },
		{ "disk", disk, TERN_RIGHT_CALL | TERN_RIGHT_COPY },
	};
	server = run("extfs", handles, 2, account);
	session = new_session(admin, 0);
	CHECK(session > 0);
}

static void wait_for_end(const struct launched *launched)
{
	struct tern_received message = { .words = { 0 } };

	while (tern_process_status(launched->process) == TERN_PROCESS_RUNNING)
		tern_wait(events, &message);
	tern_handle_close(launched->thread);
	tern_handle_close(launched->process);
}

/* The driver keeps what a dead client has attached until the next one begins. */
static void forget_attachments(void)
{
	struct block_disk begun;

	CHECK_EQ(block_open(&begun, disk), 0);
}

static inline void kill_server(void)
{
	tern_handle_close(session);
	tern_process_kill(server.process, 9);
	wait_for_end(&server);
	forget_attachments();
}

/* The first disk, as init would give it to the driver. */
static void find_disk(void)
{
	static struct virtio_place places[VIRTIO_PLACES_MAX];
	tern_handle memobj = tern_start_handle("device-tree");
	uint64_t size = (uint64_t)tern_memobj_info(memobj, TERN_MEMOBJ_LENGTH);
	const void *tree = (const void *)tern_region_map(
		TERN_SELF_PROCESS, memobj, 0, 0,
		(size + TERN_PAGE_SIZE - 1) & ~(TERN_PAGE_SIZE - 1), TERN_MAP_READ);
	unsigned int count = virtio_places(resource, tree, size, places), i = 0;

	while (i < count && places[i].type != VIRTIO_ID_BLOCK)
		i++;
	CHECK(i < count);
	disk_grant = virtio_place_grant(resource, blk_listener, &places[i], 0);
}

/* Listeners and ports that outlive the servers; the driver runs. */
static void prepare(void)
{
	tern_handle events_owner;

	resource = tern_start_handle("resource");
	device = tern_device_create(0, resource, TERN_DEVICE_PINS_MAX);
	dma = tern_memobj_create_physical(0, resource, 0, DMA_BYTES, TERN_PHYSICAL_CONTIGUOUS);
	blk_listener = tern_listener_create(0, 1024);
	disk_owner = tern_port_create(0, blk_listener, 1 << 8, TERN_PORT_PERSISTENT);
	disk = tern_port_mint(disk_owner, TERN_RIGHTS_ALL);
	listener = tern_listener_create(0, 256);
	admin_owner = tern_port_create(0, listener, 1, TERN_PORT_PERSISTENT);
	admin = tern_port_mint(admin_owner, TERN_RIGHTS_ALL);
	events = tern_listener_create(0, 16);
	events_owner = tern_port_create(0, events, 1, 0);
	events_port = tern_port_mint(events_owner, TERN_RIGHTS_ALL);
	account = tern_account_create(0, 128ul << 20);
	tern_account_set_pager(resource, account);
	find_disk();
	start_driver();
	forget_attachments();
}

#endif
