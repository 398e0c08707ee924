/*
 * Mailboxes: signals that were sent and not fetched yet. Standard signals (below 32) are there once at
 * most, for each thread that they may be for; real-time ones queue.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/process/process.h"

#define FIRST_QUEUED 32
#define HEAD_WORD 1
#define WORDS_EACH (sizeof(struct posix_signal) / sizeof(uint64_t))

static bool is_there(const struct process *process, const struct posix_signal *signal)
{
	for (const struct process_mail *at = process->mail; at; at = at->next)
		if (POSIX_SIGNAL_NUMBER(&at->signal) == POSIX_SIGNAL_NUMBER(signal) &&
		    at->signal.thread == signal->thread)
			return true;
	return false;
}

int64_t process_mail_put(struct process *process, const struct posix_signal *signal,
			 struct process_timer *timer)
{
	struct process_mail *mail;

	if (POSIX_SIGNAL_NUMBER(signal) < FIRST_QUEUED && is_there(process, signal))
		return 0;
	if (process->mail_count >= PROCESS_QUEUE_MAX)
		return -EAGAIN;
	mail = malloc(sizeof(*mail));
	if (!mail)
		return -EAGAIN;
	*mail = (struct process_mail){ .signal = *signal, .timer = timer };
	if (timer)
		timer->is_mailed = true;
	*process->mail_end = mail;
	process->mail_end = &mail->next;
	process->mail_count++;
	return 0;
}

static struct process_mail *take_first(struct process *process)
{
	struct process_mail *mail = process->mail;

	process->mail = mail->next;
	if (!process->mail)
		process->mail_end = &process->mail;
	process->mail_count--;
	if (mail->timer)
		mail->signal.uid = (uint32_t)process_timer_mailed(mail->timer);
	return mail;
}

int64_t process_mail_take(struct process *process, uint64_t *words)
{
	int64_t count = 0;

	memset(&words[HEAD_WORD], 0, 2 * sizeof(struct posix_signal));
	while (process->mail && count < 2) {
		struct process_mail *mail = take_first(process);

		memcpy(&words[HEAD_WORD + (uint64_t)count++ * WORDS_EACH], &mail->signal,
		       sizeof(mail->signal));
		free(mail);
	}
	words[7] = (uint64_t)process->continues << 32 | process->mail_count;
	return count;
}

void process_mail_discard(struct process *process, uint64_t signals)
{
	struct process_mail **at = &process->mail;

	while (*at) {
		struct process_mail *mail = *at;
		uint32_t number = (uint32_t)POSIX_SIGNAL_NUMBER(&mail->signal);

		if (!(signals >> (number - 1) & 1)) {
			at = &mail->next;
			continue;
		}
		*at = mail->next;
		if (mail->timer)
			process_timer_mailed(mail->timer);
		process->mail_count--;
		free(mail);
	}
	process->mail_end = at;
}

void process_mail_forget(struct process *process, const struct process_timer *timer)
{
	for (struct process_mail *at = process->mail; at; at = at->next)
		if (at->timer == timer)
			at->timer = NULL;
}
