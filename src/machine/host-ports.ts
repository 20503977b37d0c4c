import type { HostPorts } from '../provision/contract.ts';
import type { SshSession } from '../ssh/contract.ts';
import type { Machine } from './machine.ts';

/** What work on the machine's host is done with, over a session that is open. */
export function hostPorts({ deps, name }: Machine, session: SshSession): HostPorts {
  const { clock, report, programs, signal } = deps;
  return {
    clock,
    report,
    programs,
    signal,
    session,
    machineName: name,
    sudoPassword: () => deps.sudoPassword(name),
  };
}
