/**
 * Holds the locks of dpkg and of apt's lists, as apt itself does, by fcntl.
 * It does so until `pkill -f '[f]cntl'`, or for some seconds.
 */
export const holdLocks = `setsid perl -e '
  my ($seconds, @paths) = @ARGV;
  for my $path (@paths) {
    my $lock = pack("s s x4 l! l! i x4", 1, 0, 0, 0, 0);
    open my $file, "+>>", $path or die;
    fcntl($file, 6, $lock) or die;
    push @held, $file;
  }
  open my $sign, ">", "/run/locks-held"; close $sign;
  sleep $seconds' "$@" >/dev/null 2>&1 &
  while [ ! -e /run/locks-held ]; do sleep 0.1; done
  rm /run/locks-held`;
