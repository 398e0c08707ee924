/* expect: ignoring return value of 'handle_resolve'.*warn_unused_result */
#include "kernel/handle.h"

void use(struct process *process);

void use(struct process *process)
{
	struct object *object;

	handle_resolve(process, 1, 0, 0, &object);
}
