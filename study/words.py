"""Follows the eight message words: in which registers and memory words each lies, step by step.

Only copies count: a register that is computed from a word is not that word. What is followed is what
the caller has in the message registers at its first ecall.
"""
import operands

WORDS = ("a1", "a2", "a3", "a4", "a5", "a6", "t0", "t1")
WORD_SIZE = 8
COPIES = ("mv", "c.mv")


class Places:
    """Where each word lies now."""

    def __init__(self):
        self.registers = {}  # name: word
        self.memory = {}     # address: word

    def of(self, word, name_of):
        return ([name for name, held in self.registers.items() if held == word]
                + [name_of(address) for address, held in self.memory.items() if held == word])


def copied(step):
    """(from, to) of a register copy, or None."""
    mnemonic, parts = operands.split(step.image.instruction(step.pc).text)
    if mnemonic in COPIES and len(parts) == 2:
        return operands.canonical(parts[1]), operands.canonical(parts[0])
    return None


def move(places, step):
    """What one instruction does to the places."""
    arriving = {}
    copy = copied(step)
    if copy and copy[0] in places.registers:
        arriving[copy[1]] = places.registers[copy[0]]
    for access in step.accesses:
        if access.kind == "load" and access.size == WORD_SIZE and access.address in places.memory:
            arriving.update((name, places.memory[access.address]) for name in step.writes)
        if access.kind in ("store", "sc", "amo"):
            for address in [held for held in places.memory
                            if access.address - WORD_SIZE < held < access.address + access.size]:
                del places.memory[address]
            stored = step.image.instruction(step.pc).stored
            if access.kind == "store" and access.size == WORD_SIZE and stored in places.registers:
                places.memory[access.address] = places.registers[stored]
    for name in step.writes:
        places.registers.pop(name, None)
    places.registers.update(arriving)


def follow(recording, name_of):
    """For each word: its value at the ecall and [[first step, places]], where they change."""
    places, found = None, []
    registers = dict(zip(operands.INTEGER, recording.registers))
    for index, step in enumerate(recording.steps):
        if places:
            move(places, step)
        else:
            registers.update(step.writes)
        if not places and step.image.instruction(step.pc).text == "ecall":
            places = Places()
            places.registers = {name: word for word, name in enumerate(WORDS)}
            found = [{"register": name, "value": f"{registers[name]:x}", "places": []}
                     for name in WORDS]
        for word, entry in enumerate(found):
            now = places.of(word, name_of)
            if not entry["places"] or entry["places"][-1][1] != now:
                entry["places"].append([index, now])
    return found
