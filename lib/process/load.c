/*
 * How busy the machine has been: averages of the processors that programs used, over 1, 5 and 15 minutes. What
 * waits for a processor is not known, so they end at the number of harts.
 *
 * Nothing is measured until somebody asks: what was used since the last time counts as used evenly.
 */
#include "lib/process/process.h"

#define STEP 5000000000ul /* nanoseconds */
#define STEPS_MAX 1000    /* then all is forgotten that was before */

/* What is left of an average after a step: e to the power of -5 s / its time. */
static const uint64_t kept[PROCESS_LOADS] = { 60296, 64453, 65173 };

/* All that processes have ever used; a little less when orphans are forgotten. */
static uint64_t all_used(const struct process_table *table)
{
	uint64_t used = 0;

	PROCESS_FOR_EACH(table, process)
		used += process_used(table, process) + process->child_used;
	return used;
}

const uint64_t *process_loads(struct process_table *table)
{
	uint64_t steps = (table->kernel->now() - table->load_time) / STEP, used, load;

	if (!steps)
		return table->loads;
	used = all_used(table);
	load = used > table->load_used
		       ? (used - table->load_used) * PROCESS_LOAD_ONE / (steps * STEP)
		       : 0;
	table->load_time += steps * STEP;
	table->load_used = used;
	if (steps > STEPS_MAX)
		steps = STEPS_MAX;
	while (steps--)
		for (int i = 0; i < PROCESS_LOADS; i++)
			table->loads[i] =
				(table->loads[i] * kept[i] + load * (PROCESS_LOAD_ONE - kept[i])) /
				PROCESS_LOAD_ONE;
	return table->loads;
}
