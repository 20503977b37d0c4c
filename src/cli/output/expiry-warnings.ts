import type { Expiry } from '../../machine/certs/expiry.ts';

/** A machine with something to be renewed. */
export interface DueMachine {
  readonly name: string;
  readonly due: Expiry;
  /** Where we renew it; otherwise whoever looks after its engine does. */
  readonly provisioned: boolean;
  readonly dir: string;
}

const WHAT = {
  ca: 'certificate authority',
  client: 'client certificate',
  server: 'server certificate',
} as const;

const DAY_MS = 86_400_000;

/** One line for each kind of certificate and command, however many machines there are. */
export function expiryWarnings(
  machines: readonly DueMachine[],
  now: number,
  program: string,
): readonly string[] {
  const groups = new Map<string, DueMachine[]>();
  for (const machine of machines) {
    const expired = machine.due.notAfter <= now;
    const own = machine.provisioned ? '' : machine.name;
    const key = `${machine.due.kind} ${expired} ${own}`;
    groups.set(key, [...(groups.get(key) ?? []), machine]);
  }
  return [...groups.values()].map((group) => `${when(group, now)} ${remedy(group, program)}`);
}

function when(group: readonly DueMachine[], now: number): string {
  const [first = 0] = group.map(({ due }) => due.notAfter).sort((a, b) => a - b);
  const date = new Date(first).toISOString().slice(0, 10);
  const what = `The ${WHAT[group[0]?.due.kind ?? 'server']} of ${group.map(({ name }) => name).join(', ')}`;
  if (first <= now) return `${what} expired on ${date}.`;
  const days = Math.floor((first - now) / DAY_MS);
  const left = days === 0 ? 'in less than a day' : days === 1 ? 'in 1 day' : `in ${days} days`;
  return `${what} expires on ${date}, ${left}.`;
}

function remedy(group: readonly DueMachine[], program: string): string {
  const [first] = group;
  if (first === undefined) return '';
  if (first.provisioned) {
    const names = group.map(({ name }) => name).join(' ');
    const flag = first.due.kind === 'server' ? '' : '--client-certs ';
    return `Renew it with: ${program} regenerate-certs ${flag}${names}`;
  }
  return first.due.kind === 'server'
    ? 'Renew it where that engine is managed.'
    : `Renew it where that engine is managed, and put the new ca.pem, cert.pem and key.pem into ${first.dir}`;
}
