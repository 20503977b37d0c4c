import { isMachineError } from '../../base/machine-error.ts';
import type { Machine } from '../machine.ts';

/** What new certificates mend. A clock that is wrong is not among it: they would be refused as well. */
const FAULTS: readonly string[] = [
  'MM_ENGINE_CERT_NAME',
  'MM_ENGINE_CERT_EXPIRED',
  'MM_ENGINE_CERT_AUTHORITY',
  'MM_ENGINE_CLIENT_CERT',
  'MM_CERTS_MISSING',
];

/** Whether the engine cannot be talked to for its certificates or ours, and we may go and renew them. */
export function isCertificateFault(machine: Machine, error: unknown): boolean {
  return machine.driver.traits.provision && isMachineError(error) && FAULTS.includes(error.code);
}
