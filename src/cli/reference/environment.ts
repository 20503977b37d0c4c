import type { ProgramReference } from './reference.ts';

export interface Variable {
  readonly name: string;
  readonly about: string;
  /** Where it counts, or '' for everywhere. */
  readonly scope: string;
}

/**
 * Variables that no flag stands for.
 * A variable that the sources read must be here, else the check of the documentation fails.
 */
const others: readonly Variable[] = [
  { name: 'MYMACHINE_PREFS_PATH', about: 'Folder of the preferences', scope: 'prefs, create' },
  {
    name: 'MYMACHINE_SUDO_PASSWORD',
    about: "Password for sudo of a host's login user, where no terminal can be asked",
    scope: 'create, provision',
  },
  { name: 'XDG_CONFIG_HOME', about: 'Folder of settings, in place of ~/.config', scope: 'prefs, create' },
  { name: 'APPDATA', about: 'Folder of settings on Windows', scope: 'prefs, create' },
  {
    name: 'DOCKER_HOST',
    about: 'Which machine is the active one; env sets it',
    scope: 'active, ls, env',
  },
  {
    name: 'DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, DOCKER_MACHINE_NAME',
    about: 'Set by env for the docker client',
    scope: 'env',
  },
  {
    name: 'COMPOSE_CONVERT_WINDOWS_PATHS',
    about: 'Set by env on Windows for Docker Compose',
    scope: 'env',
  },
  {
    name: 'NO_PROXY, no_proxy',
    about: "With --no-proxy env adds the machine's address to the one that is in use",
    scope: 'env',
  },
  { name: 'SSH_AUTH_SOCK', about: 'The SSH agent', scope: '' },
  { name: 'USER, USERNAME', about: 'Name in the certificates', scope: 'create' },
  { name: 'PATH', about: 'Where ssh, scp, rsync, sshfs, qemu and other programs are found', scope: '' },
  { name: 'HOME', about: 'Where the storage path, settings and keys lie by default', scope: '' },
  { name: 'NO_COLOR', about: 'Set to anything, output has no colours', scope: '' },
  { name: 'TERM', about: 'dumb: output has no colours; otherwise passed on to logins', scope: '' },
];

/** For tests alone. */
const internal = ['MYMACHINE_FAULT_AT'];

export const documentedVariables: readonly string[] = [
  ...others.flatMap(({ name }) => name.split(', ')),
  ...internal,
];

/** Every variable with what it does, those of flags first, each once. */
export function variables({ globals, commands, drivers }: ProgramReference): readonly Variable[] {
  const found = new Map<string, { about: string; scopes: string[] }>();
  const add = (name: string, about: string, scope: string) => {
    const known = found.get(name);
    if (known === undefined) found.set(name, { about, scopes: [scope] });
    else if (!known.scopes.includes(scope)) known.scopes.push(scope);
  };
  for (const flag of globals) if (flag.env !== undefined) add(flag.env, flagAbout(flag), '');
  for (const { name, flags } of commands)
    for (const flag of flags) if (flag.env !== undefined) add(flag.env, flagAbout(flag), name);
  for (const { name, flags } of drivers)
    for (const flag of flags) if (flag.env !== undefined) add(flag.env, flagAbout(flag), `driver ${name}`);
  for (const { name, environment } of drivers)
    for (const { name: variable, meaning } of environment) add(variable, meaning, `driver ${name}`);
  const ofFlags = [...found].map(([name, { about, scopes }]) => ({ name, about, scope: scopes.join(', ') }));
  return [...ofFlags, ...others];
}

const flagAbout = ({ name, kind, help }: ProgramReference['globals'][number]) =>
  `As --${name}${kind === 'slice' ? ', several separated by commas' : ''}: ${help}`;

/** What the program ends with. */
export const exitCodes: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'success'],
  [1, 'failed'],
  [2, 'the command line is wrong'],
  [
    3,
    "a driver's check before the create failed, and nothing was made (elsewhere the same failure ends with 1)",
  ],
  [4, 'some of several machines failed'],
  [130, 'interrupted'],
];

export const sshExitCode = "ssh ends with the remote command's own status.";
