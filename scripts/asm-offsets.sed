# Turns the markers in the assembly text of kernel/asm_offsets.c into a header.
#
# DEFINE(NAME, value) there emits the line `->NAME value`, where the compiler has put the constant
# in; so assembly code and C structures cannot drift apart, for any compiler flags.
1i /* Generated from kernel/asm_offsets.c: do not edit. */
s/^->\([A-Z0-9_]*\) \(-\{0,1\}[0-9]*\)$/#define \1 \2/p
