/* Circular doubly linked lists, embedded in the objects they link. */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include "kernel/types.h"

struct list {
	struct list *next, *previous;
};

static inline void list_init(struct list *list)
{
	list->next = list->previous = list;
}

/* True of an empty head, and of a node that is on no list. */
static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_insert_before(struct list *position, struct list *node)
{
	node->next = position;
	node->previous = position->previous;
	position->previous->next = node;
	position->previous = node;
}

static inline void list_append(struct list *head, struct list *node)
{
	list_insert_before(head, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
	list_insert_before(head->next, node);
}

/* Takes the node off its list; harmless when it is on none. */
static inline void list_remove(struct list *node)
{
	node->previous->next = node->next;
	node->next->previous = node->previous;
	list_init(node);
}

/* The first node, or NULL. */
static inline struct list *list_first(struct list *head)
{
	return list_is_empty(head) ? NULL : head->next;
}

#define LIST_FOR_EACH(node, head)                                                                  \
	for (struct list *node = (head)->next; node != (head); node = node->next)

/* The body may remove `node`. */
#define LIST_FOR_EACH_SAFE(node, head)                                                             \
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head);          \
	     node = node##_next, node##_next = node->next)

#endif
