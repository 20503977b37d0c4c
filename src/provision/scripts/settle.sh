# Waits for a change that was left to the host alone, before it is looked at.

if [ -e "$lockfile" ]; then flock -w 150 9 9<"$lockfile"; fi
facts
