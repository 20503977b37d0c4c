# Run as root: makes a new SSH host key and prints its public half. The private half stays here.
set -eu
umask 077
new=/etc/ssh/ssh_host_ed25519_key.mymachine
if [ ! -s "$new.pub" ]; then
  rm -f "$new" "$new.pub"
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$new"
fi
cat "$new.pub"
