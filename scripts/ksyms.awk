# Makes the kernel's own symbol table from the output of `nm -n`: sorted by address, functions
# only. Empty input gives an empty table, for the first of the two links.
#
#   struct ksym { u32 offset; u32 name; };   offset of the function from kernel_base,
#   extern const struct ksym ksyms[];        offset of its name in ksyms_names
#   extern const u32 ksyms_count;
#   extern const char ksyms_names[];
#
# Addresses stay text: awk's numbers do not hold 64 bits, the assembler does the subtraction.

BEGIN { count = 0 }
$3 == "kernel_base" { base = $1 }
$2 ~ /^[tT]$/ && $3 !~ /^[.$]/ { address[count] = $1; name[count++] = $3 }

END {
    print "\t.section .ksyms, \"a\"\n\t.balign 8"
    print "\t.globl ksyms, ksyms_count, ksyms_names"
    print "ksyms_count:\n\t.word", count
    print "ksyms:"
    for (i = 0; i < count; i++) {
        print "\t.word 0x" address[i] " - 0x" base ", " offset + 0
        offset += length(name[i]) + 1
    }
    print "ksyms_names:"
    for (i = 0; i < count; i++)
        print "\t.asciz \"" name[i] "\""
}
