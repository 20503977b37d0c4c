/**
 * With live-restore dockerd leaves its containers running when it ends, also when the host shuts down, and runc makes their
 * scopes without systemd's default dependencies: nobody ends them, until systemd's last broadcast has waited 90 s for those
 * that take no SIGTERM. This drop-in for all of them (systemd.unit(5): a name cut at a dash) has systemd stop them like
 * everything else, after dockerd, so that it starts none anew, with the ten seconds that `docker stop` gives.
 */
export const scopeDropInPath = '/etc/systemd/system/docker-.scope.d/10-mymachine.conf';

export const scopeDropIn = `# Written by mymachine, gone after \`mymachine rm --restore\`: containers end within ten seconds of a shutdown.
[Unit]
Conflicts=shutdown.target
Before=shutdown.target docker.service
[Scope]
TimeoutStopSec=10s
`;
