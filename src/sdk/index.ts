// What an author of a driver imports as `mymachine/driver`. See docs/writing-a-driver.md.

export { createAtomic, freeBytes, readText, writeAtomic } from '../base/files.ts';
export { isObject } from '../base/json.ts';
export {
  type ErrorMeaning,
  type ErrorText,
  errorsOf,
  isMachineError,
  MachineError,
  messageOf,
} from '../base/machine-error.ts';
export { accepts, hasSshBanner, takeFreePorts } from '../base/net.ts';
export type { Argv, Clock, Ports, Programs, Report, RunOptions, RunResult } from '../base/ports.ts';
export { lastLines, printable } from '../base/printable.ts';
export { retry, type WaitOptions, waitFor } from '../base/wait.ts';
export type { BaseConfig, DriverContext, LockScope, MachineIdentity, PlanLine } from './context.ts';
export type { HostStatus, MachineState, SshLogin } from './driver.ts';
export {
  type Availability,
  type Cloud,
  DRIVER_API,
  type Driver,
  type DriverImages,
  type EnvironmentVariable,
  type Holding,
  type HostDriver,
  type HostKeyTrust,
  type Power,
  type Trace,
  type Trait,
  type Traits,
} from './driver.ts';
export { driverError } from './errors.ts';
export { FlagReader, type FlagSpec, type FlagValue, type FlagValues, type Takes } from './flags.ts';
export {
  type FaultError,
  type GuestChecks,
  type GuestFault,
  type GuestSeed,
  guestChecks,
  keepOrMakeKey,
  writeGuestSeed,
} from './guest.ts';
export { RecordReader } from './record.ts';
