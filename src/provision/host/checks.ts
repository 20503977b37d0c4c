import { printable } from '../../base/printable.ts';
import type { ProvisionInput } from '../contract.ts';
import { provisionError } from '../errors.ts';
import type { Facts } from './facts.ts';

/** @throws MM_PROVISION_DISK_FULL where there is less room than installing and configuring take. */
export function checkDisks(facts: Facts, installs: boolean): void {
  /** In KiB. */
  const needed = installs
    ? { '/usr': 600 * 1024, '/var': 300 * 1024, '/etc': 1024 }
    : { '/usr': 0, '/var': 1024, '/etc': 1024 };
  for (const [path, kib] of Object.entries(needed)) {
    const mount = [...facts.disks.keys()]
      .filter((one) => one === '/' || path === one || path.startsWith(`${one}/`))
      .sort((a, b) => b.length - a.length)[0];
    const free = mount === undefined ? undefined : facts.disks.get(mount);
    if (mount === undefined || free === undefined || free >= kib) continue;
    throw provisionError('MM_PROVISION_DISK_FULL', {
      message: `The host has too little free disk space: ${Math.floor(free / 1024)} MiB on ${mount}, where ${Math.ceil(kib / 1024)} MiB are needed. Nothing was changed.`,
      hint: 'Free some on the host (`df -h` shows where), then run the command again.',
    });
  }
}

/** @throws MM_PROVISION_UNSUPPORTED */
export function refuseSnap(facts: Facts): void {
  if (!facts.snap) return;
  throw provisionError('MM_PROVISION_UNSUPPORTED', {
    message: "The host's Docker Engine comes from a snap, which mymachine cannot configure.",
    hint: 'Remove it on the host (`snap remove docker`, which deletes its containers and images), then run the command again.',
  });
}

const WANTS_SOCKET = /^\s*(?:Requires|BindsTo)\s*=.*\bdocker\.socket\b|^\s*ExecStart\s*=.*\bfd:\/\//m;

/** @throws MM_PROVISION_UNSUPPORTED for a unit that no engine there would start without */
export function refuseMasked({ masked, units, dockerd }: Facts): void {
  const isNew = dockerd === '';
  const name = masked.find(
    (unit) => isNew || (unit === 'docker.socket' && units.some(({ text }) => WANTS_SOCKET.test(text))),
  );
  if (name === undefined) return;
  throw provisionError('MM_PROVISION_UNSUPPORTED', {
    message: `The host's ${name} is masked, and no engine starts without it.`,
    hint: `Unmask it on the host (\`systemctl unmask ${name}\`), then run the command again.`,
  });
}

/** @throws MM_PROVISION_UNSUPPORTED */
export function refuseForeignService(facts: Facts): void {
  if (facts.service.loaded && facts.units.length > 0) return;
  throw provisionError('MM_PROVISION_UNSUPPORTED', {
    message: `The host has ${printable(facts.dockerd, 200)}, but no usable docker.service that runs it (none, or a masked one).`,
    hint: 'Unmask the service (`systemctl unmask docker.service`) or install the engine from a package on the host, then run the command again.',
  });
}

/** Docker clients start `docker system dial-stdio` on a host that they reach through SSH. */
export function clientWarning(
  { hasClient }: Pick<Facts, 'hasClient'>,
  { engine, machineName }: Pick<ProvisionInput, 'engine' | 'machineName'>,
): string | undefined {
  if (engine.port !== 0 || hasClient) return undefined;
  return `The host has no program docker, by which docker clients come to its engine through SSH. Install it: mymachine ssh ${machineName} sudo apt-get install docker-cli`;
}

/** Certificates begin five minutes before they are made. A minute is left for the way there. */
const TOLERATED_SECONDS = 240;

/** For a host whose clock is so far from ours that a new certificate looks out of date to one. */
export function clockWarning(
  hostSeconds: number | undefined,
  nowMs: number,
  machineName: string,
): string | undefined {
  if (hostSeconds === undefined) return undefined;
  const ahead = hostSeconds - Math.floor(nowMs / 1000);
  if (Math.abs(ahead) <= TOLERATED_SECONDS) return undefined;
  const time = new Date(nowMs).toISOString().slice(0, 16).replace('T', ' ');
  return `The clock of the host is ${span(Math.abs(ahead))} ${ahead < 0 ? 'behind' : 'ahead of'} this computer's, which says ${time} UTC: the engine or this computer may take certificates for out of date until the wrong one is set. On the host: mymachine ssh ${machineName} sudo timedatectl set-ntp true`;
}

function span(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
