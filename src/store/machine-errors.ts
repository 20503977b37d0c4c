import { printable } from '../base/printable.ts';
import { storeError } from './errors.ts';
import { NEWEST_CONFIG_VERSION } from './record/read-config.ts';

export function refuseFuture(name: string, version: number): void {
  if (version <= NEWEST_CONFIG_VERSION) return;
  throw storeError('MM_MACHINE_FUTURE', {
    message: 'config version is from the future -- you should upgrade your Docker Machine client',
    hint: `"${printable(name, 100)}" has ConfigVersion ${version}; this program writes and reads up to ${NEWEST_CONFIG_VERSION}.`,
  });
}

export function unknownMachine(name: string): Error {
  return storeError('MM_MACHINE_UNKNOWN', {
    message: `Docker machine "${printable(name, 100)}" does not exist. Use "mymachine ls" to list machines. Use "mymachine create" to add a new one.`,
  });
}

export function taken(name: string): Error {
  return storeError('MM_MACHINE_EXISTS', {
    message: `Docker machine "${name}" already exists`,
    hint: `Choose another name, remove it with "mymachine rm ${name}", or finish an interrupted create with "mymachine create --resume ${name}".`,
  });
}

export function broken(name: string, why: string, cause?: unknown): Error {
  return storeError('MM_MACHINE_BROKEN', {
    message: `Error loading machine "${printable(name, 100)}": ${why}`,
    hint: `Put the file back from a backup, or delete what the store has with "mymachine rm -f ${printable(name, 60)}" (the host itself is not touched then).`,
    cause,
  });
}
