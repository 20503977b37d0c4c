import { isObject } from '../../base/json.ts';
import { lastLines } from '../../base/printable.ts';
import type { UnitFile } from '../engine/unit-file.ts';
import { provisionError } from '../errors.ts';
import { decoded, factsProgram, readAnswers } from '../scripts/programs.ts';
import { openRootShell, type RootShell, type RootShellInput } from './root-shell.ts';

/** The first line of what the program says. */
const MARKER = 'mymachine-facts-1';

/** Largest file that is taken from a host. A longer one is none that we understand. */
const FILE_LIMIT_BYTES = 65_536;

/** What stands on a host. Foreign text: checked for its shape, not for its sense. */
export interface Facts {
  readonly arch: string;
  readonly hostname: string;
  readonly systemd: boolean;
  /** By the names that facts-library.sh gives them, such as os-release and daemon.json. */
  readonly files: ReadonlyMap<string, string>;
  /** sha256 of managed.json, or 'none'. Tells whether somebody else has provisioned meanwhile. */
  readonly fingerprint: string;
  /** A change was cut off before the engine had taken it over. */
  readonly pending: boolean;
  /** An installation of ours was cut off. */
  readonly installing: boolean;
  /** Something of ours is on the host. */
  readonly hasState: boolean;
  /** Path of dockerd, or ''. */
  readonly dockerd: string;
  /** Such as 28.5.2, or ''. */
  readonly engineVersion: string;
  readonly snap: boolean;
  readonly hasEngineDir: boolean;
  /** Which of /var/lib/docker and /var/lib/containerd exist, and which hold something. */
  readonly dirs: readonly string[];
  readonly dataDirs: readonly string[];
  /** The host has the program docker. */
  readonly hasClient: boolean;
  readonly hasGroup: boolean;
  /** Users whom the group docker names. */
  readonly groupMembers: readonly string[];
  readonly service: {
    readonly loaded: boolean;
    readonly active: boolean;
    readonly enabled: boolean;
    /** docker.socket is active. */
    readonly socketActive: boolean;
  };
  /** Which of docker.service and docker.socket are masked. */
  readonly masked: readonly string[];
  /** The service's unit file and its drop-ins, in the order in which systemd applies them. */
  readonly units: readonly UnitFile[];
  /** TCP listeners of docker.socket, such as [::]:2375. */
  readonly socketListeners: readonly string[];
  /** The files that the unit names by EnvironmentFile=. */
  readonly environmentFiles: readonly UnitFile[];
  /** undefined when the engine does not run or cannot be asked. */
  readonly engine: { readonly running: number; readonly liveRestore: boolean } | undefined;
  /** Running containers, by the engine's word or, when it cannot be asked, by their processes. */
  readonly running: number;
  readonly inSwarm: boolean;
  readonly tls: ReadonlyMap<string, { readonly mode: string; readonly uid: string; readonly sha256: string }>;
  readonly listeningPorts: ReadonlySet<number>;
  /** Free KiB of each file system below /etc, /usr and /var, by mount point. */
  readonly disks: ReadonlyMap<string, number>;
  /** The host's clock, in seconds since the epoch. undefined when it says nothing sensible. */
  readonly clockSeconds: number | undefined;
}

/** Looks at a host, and finds out how to become root there. @throws MM_PROVISION_*, MM_SSH_* */
export async function inspectHost(
  input: RootShellInput,
  program = factsProgram,
): Promise<{ readonly facts: Facts; readonly shell: RootShell }> {
  const { output, shell } = await openRootShell(input, program, MARKER);
  return { facts: parseFacts(output), shell };
}

/** @throws MM_PROVISION_HOST for output that is cut off, or is none of the program's. */
export function parseFacts(output: string): Facts {
  const start = output.indexOf(MARKER);
  const answers = readAnswers(start < 0 ? '' : output.slice(start));
  const { has, one, all } = answers;
  if (!has('end')) {
    throw provisionError('MM_PROVISION_HOST', {
      message: 'The host could not be asked what runs on it: its answer is incomplete.',
      hint: 'Try again; with --debug the answer is shown.',
      details: lastLines(output, 10),
    });
  }
  const states = answers.text('units');
  const info = engineInfo(answers.text('info'));
  const digests = new Map(all('sha256').map((line) => line.split(' ') as [string, string]));
  return {
    arch: one('arch'),
    hostname: one('hostname'),
    systemd: has('systemd'),
    files: new Map(named(all('file')).map(({ path, text: content }) => [path, content])),
    fingerprint: one('fingerprint'),
    pending: has('pending'),
    installing: has('installing'),
    hasState: has('state'),
    dockerd: one('dockerd'),
    engineVersion: versionIn(info?.version ?? one('version')),
    snap: has('snap'),
    hasEngineDir: has('engine-dir'),
    dirs: all('dir'),
    dataDirs: all('data'),
    hasClient: has('client'),
    hasGroup: has('group'),
    groupMembers: one('group')
      .slice(1)
      .split(',')
      .filter((name) => name !== ''),
    service: unitStates(states),
    masked: states
      .split('\n\n')
      .flatMap((block) => (/^LoadState=masked$/m.test(block) ? (/^Id=(.+)$/m.exec(block)?.[1] ?? []) : [])),
    units: named(all('unit')),
    socketListeners: [...states.matchAll(/^Listen=([^/@\s].*) \(Stream\)$/gm)].map(([, one = '']) => one),
    environmentFiles: named(all('environment')),
    engine: info,
    running: info?.running ?? (Number(one('shims')) || 0),
    inSwarm: info?.inSwarm ?? has('swarm'),
    tls: new Map(
      all('tls').flatMap((line) => {
        const [path = '', mode = '', uid = ''] = line.split(' ');
        return [[path, { mode, uid, sha256: digests.get(path) ?? '' }] as const];
      }),
    ),
    listeningPorts: new Set(
      one('ports')
        .split(' ')
        .map((hex) => Number.parseInt(hex, 16)),
    ),
    disks: freeSpace(answers.text('disks')),
    clockSeconds: /^\d{1,12}$/.test(one('clock')) ? Number(one('clock')) : undefined,
  };
}

function named(lines: readonly string[]): readonly UnitFile[] {
  return lines.map((line) => {
    const [path = '', base64 = ''] = line.split(' ');
    const bytes = decoded(base64);
    if (bytes.length > FILE_LIMIT_BYTES) {
      throw provisionError('MM_PROVISION_HOST', {
        message: `The host's file ${path} is longer than ${FILE_LIMIT_BYTES} bytes, which is not expected of it.`,
        hint: 'Look at the file on the host.',
      });
    }
    return { path, text: bytes.toString('utf8') };
  });
}

/** Of `systemctl show`: its first block is of docker.service, its second of docker.socket. */
function unitStates(shown: string): Facts['service'] {
  const [block = '', socket = ''] = shown.split('\n\n');
  const is = (setting: string) => block.split('\n').includes(setting);
  return {
    loaded: is('LoadState=loaded'),
    active: is('ActiveState=active'),
    enabled: is('UnitFileState=enabled'),
    socketActive: socket.split('\n').includes('ActiveState=active'),
  };
}

/** Of `20.10.24+dfsg1` or `Docker version 28.0.0-rc.1, build abc`, the number. */
function versionIn(words: string): string {
  return /\d+\.\d+\.\d+(?:-[\w.]+)?/.exec(words)?.[0]?.slice(0, 60) ?? '';
}

interface AskedEngine extends NonNullable<Facts['engine']> {
  readonly inSwarm: boolean;
  readonly version: string;
}

function engineInfo(json: string): AskedEngine | undefined {
  try {
    const info: unknown = JSON.parse(json);
    if (!isObject(info)) return undefined;
    const swarm = isObject(info['Swarm']) ? info['Swarm']['LocalNodeState'] : undefined;
    return {
      version: String(info['ServerVersion'] ?? ''),
      running: Number(info['ContainersRunning'] ?? 0),
      liveRestore: info['LiveRestoreEnabled'] === true,
      inSwarm: swarm !== undefined && swarm !== 'inactive',
    };
  } catch {
    return undefined;
  }
}

function freeSpace(df: string): ReadonlyMap<string, number> {
  const rows = df.split('\n').slice(1);
  return new Map(
    rows.flatMap((row) => {
      const match = /\s(\d+)\s+\d+%\s+(\/.*)$/.exec(row);
      return match?.[2] === undefined ? [] : [[match[2], Number(match[1])] as const];
    }),
  );
}
