import type { Programs, Report } from '../../base/ports.ts';
import { checkHostKey, type KnownKeys, pin } from '../keys/host-key-check.ts';
import type { Identities } from '../keys/identities.ts';
import { ClientEnded, type SystemCall, showHostKey, startMaster } from '../system/client.ts';
import { clientFailure, isAboutHostKey } from '../system/client-failures.ts';
import type { MuxConnection } from '../system/mux.ts';

/** A contact with a host by the system's ssh. */
export interface SystemWork {
  readonly call: SystemCall;
  readonly known: KnownKeys;
  readonly identities: Identities;
  readonly report: Report;
  readonly programs: Programs;
  readonly keepaliveMs: number;
  readonly justMeet: boolean;
}

/** Logs in by the system's ssh, once the host's key is pinned. */
export async function connectBySystem(work: SystemWork): Promise<MuxConnection> {
  if (work.known.pinned.length === 0) await meetBySystem(work);
  return explained(work, () => startMaster(work.call, work.keepaliveMs));
}

/** Has the system's ssh show the host's key, and pins it if it may be. */
export async function meetBySystem(work: SystemWork): Promise<void> {
  const { known, report, justMeet } = work;
  const { target } = work.call;
  const blob = await explained(work, () => showHostKey(work.call, known));
  if ((await checkHostKey(target, known, blob)) === 'first') await pin(target, report, justMeet, blob);
}

async function explained<T>(work: SystemWork, contact: () => Promise<T>): Promise<T> {
  try {
    return await contact();
  } catch (error) {
    if (!(error instanceof ClientEnded)) throw error;
    // Our own check says which key was expected and which was shown.
    if (isAboutHostKey(error))
      await checkHostKey(work.call.target, work.known, await showHostKey(work.call, work.known));
    throw await clientFailure(error, work.call, work.programs, work.identities.leftOut);
  }
}
