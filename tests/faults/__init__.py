"""Real faults: processes killed, disks full or read-only, several at once, hostile input."""
