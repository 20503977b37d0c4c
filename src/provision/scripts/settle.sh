
if [ -e "$lockfile" ]; then flock -w 150 9 9<"$lockfile"; fi
facts
