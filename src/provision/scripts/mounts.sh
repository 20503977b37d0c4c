# Mounts folders that the machine's provider offers, now and at each boot. Instructions come on
# stdin: owner, and for each folder type, what and where, of which the last one mounts it. A boot
# does not wait for it, and passes it over where the kernel lacks the type.

owner= type= what=

# VALUE: a word of a command line in systemd's unit files.
unit_word() { printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g; s/%/%%/g; s/[$]/$$/g')"; }

unit_text() { # WHERE
  printf '[Unit]\nDescription=Folder %s of the machine'\''s provider\nBefore=docker.service\n' "$(printf %s "$1" | sed 's/%/%%/g')"
  printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=60\n'
  # shellcheck disable=SC2016 # The words are for the unit's own shell.
  printf 'ExecCondition=/bin/sh -c %s sh %s\n' "$(unit_word 'PATH=$PATH:/usr/sbin:/sbin; grep -qw "$1" /proc/filesystems || modprobe -q "$1"')" "$(unit_word "$type")"
  printf 'ExecStart=%s -p -- %s\n' "$(command -v mkdir)" "$(unit_word "$1")"
  # Without -c, a name that is a folder of / as well is taken for that one.
  printf 'ExecStart=%s -c -t %s -o uid=%s,gid=%s -- %s %s\n' "$(command -v mount)" "$type" "$(id -u "$owner")" "$(id -g "$owner")" "$(unit_word "$what")" "$(unit_word "$1")"
  printf 'ExecStop=%s -l -- %s\n[Install]\nWantedBy=multi-user.target\n' "$(command -v umount)" "$(unit_word "$1")"
}

mount_at() { # WHERE
  unit=mymachine-mount-$(systemd-escape --path -- "$1").service
  if mountpoint -q -- "$1"; then fact outcome mounted; return 0; fi
  # What lies there would be hidden, such as a home with the keys of the login.
  if [ -e "$1" ] && { [ ! -d "$1" ] || [ -n "$(ls -A -- "$1")" ]; }; then fact outcome covered; return 0; fi
  unit_text "$1" >"/etc/systemd/system/$unit.new"
  mv -f "/etc/systemd/system/$unit.new" "/etc/systemd/system/$unit"
  systemctl daemon-reload
  systemctl enable -q -- "$unit"
  systemctl restart -- "$unit" 2>/dev/null
  if mountpoint -q -- "$1"; then fact outcome mounted
  elif grep -qw -- "$type" /proc/filesystems; then
    fact outcome "failed $(journalctl -q -o cat -n 20 -u "$unit" 2>/dev/null | grep '^mount' | tail -n 1 | head -c 300)"
  else fact outcome missing; fi
}

told() {
  value=$(decode "$2")
  case $1 in
    owner) owner=$value ;;
    type) type=$value ;;
    what) what=$value ;;
    where) mount_at "$value" ;;
  esac
}
instructions told
