/** Certificates begin five minutes before they are made; of that, a minute is left to the way to the host. */
const TOLERATED_SECONDS = 240;

function span(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** What to say of a host whose clock is so far from ours that one of both takes a new certificate for out of date. */
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
