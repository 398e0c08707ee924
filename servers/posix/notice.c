/*
 * Notices: signals that a message queue sends (mq_notify). The pipe server, which has the queues, knows no
 * processes and does not call this server, which calls it. It gets a port to notify, made for one signal
 * to one process.
 */
#include <errno.h>
#include <stdlib.h>

#include "posix.h"
#include "proto/pipe.h"

#define NOTICES_MAX 64      /* of one process */
#define NUMBER_MAX 0xffffff /* as much as a port's userdata holds */
#define CODE_MESSAGE (-3)

struct notice {
	struct notice *next; /* of those made for the same record */
	tern_handle port;
	uint32_t number, pid, signal;
	uint64_t value;
};

static struct notice *notices[POSIX_SLOTS];
static uint32_t last_number;

static void end(struct notice **at)
{
	struct notice *notice = *at;

	*at = notice->next;
	tern_port_revoke(notice->port);
	tern_handle_close(notice->port);
	free(notice);
}

void notices_drop(const struct process *process)
{
	while (notices[process->slot])
		end(&notices[process->slot]);
}

/* What an embryo that was never born has left is not the next one's. How many there are. */
static int sort_out(const struct process *process)
{
	struct notice **at = &notices[process->slot];
	int count = 0;

	while (*at) {
		if ((*at)->pid != process->pid) {
			end(at);
			continue;
		}
		at = &(*at)->next;
		count++;
	}
	return count;
}

static struct notice *make(const struct process *process, const uint64_t *words)
{
	uint32_t number = last_number = last_number % NUMBER_MAX + 1;
	struct notice *notice = malloc(sizeof(*notice));

	if (!notice)
		return NULL;
	*notice = (struct notice){
		.next = notices[process->slot],
		.port = tern_port_create(0, server.listener,
					 PORT_USERDATA(PORT_NOTICE, number, process->slot), 0),
		.number = number,
		.pid = process->pid,
		.signal = (uint32_t)words[1],
		.value = words[2],
	};
	if (notice->port < 0) {
		free(notice);
		return NULL;
	}
	notices[process->slot] = notice;
	return notice;
}

int64_t notice_create(struct process *process, struct server_call *call, uint64_t *words)
{
	const uint32_t rights = TERN_RIGHT_NOTIFY | TERN_RIGHT_COPY | TERN_RIGHT_MOVE;
	struct notice *notice;
	tern_handle client;

	if (words[1] > POSIX_SIGNALS)
		return -EINVAL;
	notice = sort_out(process) < NOTICES_MAX ? make(process, words) : NULL;
	if (!notice)
		return -EAGAIN;
	client = tern_port_mint(notice->port, rights);
	if (client < 0) {
		end(&notices[process->slot]);
		return -EAGAIN;
	}
	server_give(call, client, rights);
	words[1] = notice->number;
	return 0;
}

static struct notice **find(uint32_t slot, uint64_t number)
{
	struct notice **at = &notices[slot];

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

static void send(struct process *process, const struct notice *notice, uint32_t sender)
{
	const struct process *from = sender < PROCESS_PID_LIMIT ? process_find(&table, sender)
								: NULL;
	const struct posix_signal signal = {
		.number_and_code = POSIX_SIGNAL(notice->signal, CODE_MESSAGE),
		.pid = sender,
		.uid = from ? from->identity.user : 0,
		.value = notice->value,
	};

	if (notice->signal && process->pid == notice->pid && process->state != PROCESS_ZOMBIE)
		process_send(&table, process, &signal);
}

int64_t notice_now(struct process *process, struct server_call *call, uint64_t *words)
{
	struct notice **at = find(process->slot, words[1]);

	(void)call;
	if (*at) {
		send(process, *at, process->pid);
		end(at);
	}
	return 0;
}

void notice_notified(uint64_t userdata, uint64_t bits)
{
	uint32_t slot = PORT_INDEX(userdata);
	struct notice **at;

	if (slot >= POSIX_SLOTS || !(bits & (QUEUE_TELLS_MESSAGE | QUEUE_TELLS_END)))
		return;
	pthread_mutex_lock(&table_lock);
	at = find(slot, userdata >> 32 & NUMBER_MAX);
	if (*at && bits & QUEUE_TELLS_MESSAGE)
		send(&table.processes[slot], *at, (uint32_t)(bits >> 32));
	if (*at)
		end(at);
	pthread_mutex_unlock(&table_lock);
}
