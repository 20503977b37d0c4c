import { join } from 'node:path';
import { printable } from '../base/printable.ts';
import { storeError } from './errors.ts';

/** docker-machine's layout, with our own files beside it. */
export interface StorePaths {
  readonly root: string;
  readonly certs: string;
  readonly machines: string;
  machine(name: string): string;
  /** docker-machine's record of the machine. */
  config(name: string): string;
  /** Ours: identity and journal. Another program's rewrite of config.json cannot lose it. */
  meta(name: string): string;
  /** Ours: values of a driver's secret options, which are never in config.json. */
  secrets(name: string): string;
  knownHosts(name: string): string;
  /** Ours: where the engine answered last, for the shell's `use`. May be missing. */
  engineUrl(name: string): string;
  /** Ours: the identity of this store, wherever it is. */
  readonly storeId: string;
  /** Ours: accounts of providers in which machines were made. May be missing. */
  readonly accounts: string;
  /** Ours: ssh config of machines whose engines are reached through SSH. May be missing. */
  readonly sshConfig: string;
  readonly locks: string;
  lock(name: string): string;
}

export function storePaths(root: string): StorePaths {
  const machines = join(root, 'machines');
  const machine = (name: string) => join(machines, name);
  return {
    root,
    certs: join(root, 'certs'),
    machines,
    machine,
    config: (name) => join(machine(name), 'config.json'),
    meta: (name) => join(machine(name), 'mymachine.json'),
    secrets: (name) => join(machine(name), 'secrets.json'),
    knownHosts: (name) => join(machine(name), 'known_hosts'),
    engineUrl: (name) => join(machine(name), 'engine-url'),
    storeId: join(root, 'store-id'),
    accounts: join(root, 'accounts'),
    sshConfig: join(root, 'ssh_config'),
    locks: join(root, '.locks'),
    lock: (name) => join(root, '.locks', name),
  };
}

/** docker-machine's rule for names. The bound leaves room below a file system's 255 bytes. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9.-]{0,199}$/;

/** Refuses a bad name for a new machine, in docker-machine's words. The hint says what is wrong. */
export function checkNewName(name: string): void {
  if (NAME.test(name)) return;
  throw storeError('MM_MACHINE_NAME', {
    message: 'Error creating machine: Invalid hostname specified. Allowed hostname chars are: 0-9a-zA-Z . -',
    hint: nameHint(name),
  });
}

function nameHint(name: string): string {
  if (name === '') return 'The name is empty: take one such as "host1".';
  const signs = [...name];
  if (signs.length > 200) return `A name has 200 characters at most, and this one has ${signs.length}.`;
  const wrong = signs.find((sign) => !/[a-zA-Z0-9.-]/.test(sign));
  const fault =
    wrong === undefined
      ? `A name begins with a letter or a digit, not with "${signs[0]}"`
      : `${described(wrong)} cannot stand in a host name`;
  const near = name.replace(/[^a-zA-Z0-9.-]+/g, '-').replace(/^[.-]+|-+$/g, '');
  return NAME.test(near) ? `${fault}: take one such as "${near}".` : `${fault}.`;
}

const SIGNS: Readonly<Record<string, string>> = {
  _: 'An underscore',
  ' ': 'A blank',
  '\t': 'A tab',
  '\n': 'A line break',
};

/** Names a character that may show nothing. */
function described(sign: string): string {
  const code = (sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return SIGNS[sign] ?? (printable(sign) === sign ? `The character "${sign}"` : `The character U+${code}`);
}

/** Whether an existing folder may be a machine: not hidden, and never a path out of the store. */
export function isFolderName(name: string): boolean {
  return name.length > 0 && name.length <= 255 && !name.startsWith('.') && !/[/\\\0]/.test(name);
}
