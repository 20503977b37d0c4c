import type { Json, JsonObject } from '../../base/json.ts';
import { printable } from '../../base/printable.ts';
import type { EngineSpec } from '../contract.ts';
import { provisionError } from '../errors.ts';
import type { Facts } from '../host/facts.ts';
import {
  addWanted,
  type Conflict,
  changedKeys,
  daemonJsonPath,
  daemonJsonText,
  type OwnedConfig,
  ownedBeyond,
  parseDaemonJson,
  takeBack,
  type Wanted,
} from './daemon-json.ts';
import { type DaemonArgument, daemonArguments, jsonValueOf, wantedEngine } from './options.ts';
import {
  type EffectiveUnit,
  effectiveUnit,
  parseEnvironmentFile,
  quoteForCommand,
  quoteForEnvironment,
  splitUnitWords,
  type UnitFile,
  type UnitWord,
} from './unit-file.ts';

/** What a host says about its engine's configuration now. */
export type HostConfiguration = Pick<Facts, 'files' | 'units' | 'environmentFiles' | 'socketListeners'>;

/** What it is to be. */
export interface EngineConfiguration {
  /** The present text where it says the same. undefined for no such file. */
  readonly daemonJson: string | undefined;
  readonly config: JsonObject;
  /** Keys of daemon.json that change. */
  readonly changed: readonly string[];
  readonly owned: OwnedConfig;
  readonly dropIn: UnitFile | undefined;
  /** live-restore stands on the command line, where no reload can change it. */
  readonly liveRestoreFixed: boolean;
  /** The host's own listeners that took everybody, and take TLS with ours: it holds for all. */
  readonly secured: readonly string[];
}

/**
 * Our spec and the host's own configuration in one. Nothing is touched.
 * @throws MM_ENGINE_CONFIG_SYNTAX, MM_ENGINE_CONFIG_CONFLICT, MM_ENGINE_OPTION
 */
export function engineConfiguration(
  host: HostConfiguration,
  spec: EngineSpec,
  owned: OwnedConfig,
): EngineConfiguration {
  const currentText = host.files.get('daemon.json');
  const current = parseDaemonJson(currentText);
  const base = takeBack(current, owned);
  const wanted = wantedEngine(spec);
  const keys = new Map(wanted.keys);
  const conflicts: Conflict[] = [];
  // Without our drop-in, or docker-machine's, whose place ours takes.
  const others = host.units.filter(({ path }) => path !== dropInPath && path !== lateDropInPath);
  const unit = effectiveUnit(others);
  const words = splitUnitWords(unit.execStart ?? '');
  const fixed = daemonArguments(words.map((word) => word.value));
  const variable = variableArguments(words, unit, host.environmentFiles);
  const all = [...fixed, ...variable.map(({ argument }) => argument)];
  const liveRestoreFixed = all.some(({ flag }) => flag?.key === 'live-restore');
  for (const { argument, path } of variable) {
    if (argument.flag !== undefined && keys.has(argument.flag.key)) {
      conflicts.push({
        key: argument.flag.key,
        why: `is set by --${argument.flag.flag} in ${printable(path, 200)}`,
      });
    }
  }
  const { lifted, rest } = liftArguments(words, fixed, keys);
  const began = addWanted(base, lifted);
  conflicts.push(...began.conflicts);
  const beginning = began.config;
  const hosts = keys.get('hosts');
  if (hosts?.kind === 'list' && beginning['hosts'] === undefined) {
    keys.set('hosts', { kind: 'list', entries: ['unix:///var/run/docker.sock', ...hosts.entries] });
  }
  const added = addWanted(beginning, keys);
  conflicts.push(
    ...added.conflicts,
    ...clashes(beginning, keys),
    ...argumentClashes(added.config, wanted.args),
  );
  if (conflicts.length > 0) throw conflictError(conflicts);
  const needsCommand = rest.length < words.length || wanted.args.length > 0;
  const text = dropInText(
    needsCommand
      ? commandLine(
          rest.map((word) => word.raw),
          wanted.args,
        )
      : undefined,
    spec.env,
  );
  const changed = changedKeys(current, added.config);
  const absent =
    Object.keys(added.config).length === 0 &&
    Object.keys(base).length === 0 &&
    Object.keys(current).length > 0;
  return {
    daemonJson:
      changed.length === 0 ? currentText : absent ? undefined : daemonJsonText(added.config, currentText),
    config: added.config,
    changed,
    owned: ownedBeyond(base, added.config),
    dropIn: text === undefined ? undefined : { path: dropInPathAmong(others), text },
    liveRestoreFixed,
    secured: spec.port === 0 || wantsTls(beginning, all) ? [] : plainListeners(beginning, host),
  };
}

function wantsTls(config: JsonObject, args: readonly DaemonArgument[]): boolean {
  const is = (key: string) =>
    config[key] === true ||
    args.some(({ flag, value }) => flag?.key === key && jsonValueOf(flag, value) === true);
  return is('tls') || is('tlsverify');
}

/** dockerd takes an address without a scheme for one of tcp. fd:// is what docker.socket opens. */
function plainListeners(config: JsonObject, host: HostConfiguration): readonly string[] {
  const hosts: readonly Json[] = Array.isArray(config['hosts']) ? (config['hosts'] as readonly Json[]) : [];
  const own = hosts.map(String).filter((one) => !/^(?:unix|fd|npipe):/.test(one));
  return hosts.some((one) => String(one).startsWith('fd:')) ? [...own, ...host.socketListeners] : own;
}

function variableArguments(
  words: readonly UnitWord[],
  unit: EffectiveUnit,
  files: readonly UnitFile[],
): readonly { readonly argument: DaemonArgument; readonly path: string }[] {
  return words.flatMap(({ value }) => {
    const name = /^\$(?:\{(\w+)\}|(\w+))$/.exec(value);
    const variable = name?.[1] ?? name?.[2];
    if (variable === undefined) return [];
    // Settings from files override those of Environment=, and later files earlier ones.
    const file = files.findLast(({ text }) => parseEnvironmentFile(text).has(variable));
    const text =
      file === undefined ? unit.environment.get(variable) : parseEnvironmentFile(file.text).get(variable);
    const options = splitUnitWords(text ?? '').map((word) => word.value);
    return daemonArguments(options).map((argument) => ({ argument, path: file?.path ?? unit.execStartPath }));
  });
}

/** Moves options that we set in daemon.json there: dockerd takes no setting from both places. */
function liftArguments(
  words: readonly UnitWord[],
  args: readonly DaemonArgument[],
  keys: ReadonlyMap<string, Wanted>,
): { readonly lifted: ReadonlyMap<string, Wanted>; readonly rest: readonly UnitWord[] } {
  const lifted = new Map<string, Wanted>();
  const taken = new Set<number>();
  for (const { flag, value, at, words: count } of args) {
    if (flag === undefined || flag.type === 'complex' || !keys.has(flag.key)) continue;
    const json = jsonValueOf(flag, value);
    if (json === undefined) continue;
    const before = lifted.get(flag.key);
    if (flag.type === 'list') {
      lifted.set(flag.key, {
        kind: 'list',
        entries: [...(before?.kind === 'list' ? before.entries : []), json],
      });
    } else if (flag.type === 'map') {
      const [name = '', ...text] = value.split('=');
      const entries: JsonObject = before?.kind === 'map' ? before.entries : {};
      lifted.set(flag.key, { kind: 'map', entries: { ...entries, [name]: text.join('=') } });
    } else lifted.set(flag.key, { kind: 'scalar', value: json });
    for (let index = at; index < at + count; index++) taken.add(index);
  }
  return { lifted, rest: words.filter((_, index) => !taken.has(index)) };
}

/** Entries that exclude each other: one label with two values, two listeners on one port. */
function clashes(base: JsonObject, keys: ReadonlyMap<string, Wanted>): readonly Conflict[] {
  return ['labels', 'hosts'].flatMap((key) => {
    const nameOf = (entry: Json) =>
      (key === 'labels' ? /^([^=]+)=/ : /^tcp:\/\/.*:(\d+)\/?$/).exec(String(entry))?.[1];
    const want = keys.get(key);
    const there: readonly Json[] = Array.isArray(base[key]) ? (base[key] as readonly Json[]) : [];
    const ours: readonly Json[] = want?.kind === 'list' ? want.entries : [];
    return ours.flatMap((entry) => {
      const other = there.find(
        (one) => one !== entry && nameOf(one) !== undefined && nameOf(one) === nameOf(entry),
      );
      return other === undefined ? [] : [{ key, why: `hold ${JSON.stringify(other)} there` }];
    });
  });
}

function argumentClashes(config: JsonObject, args: readonly string[]): readonly Conflict[] {
  return daemonArguments(args).flatMap(({ flag }) =>
    flag !== undefined && Object.hasOwn(config, flag.key)
      ? [{ key: flag.key, why: `are set there, so --${flag.flag} cannot be given` }]
      : [],
  );
}

function dropInPathAmong(others: readonly UnitFile[]): string {
  const later = others.some(({ path, text }) => {
    const name = /\/docker\.service\.d\/([^/]+)$/.exec(path)?.[1];
    return (
      name !== undefined &&
      name > '10-machine.conf' &&
      effectiveUnit([{ path, text }]).execStart !== undefined
    );
  });
  return later ? lateDropInPath : dropInPath;
}

function conflictError(conflicts: readonly Conflict[]) {
  const list = conflicts.map(({ key, why }) => `${key} ${printable(why, 300)}`).join('; ');
  const keys = [...new Set(conflicts.map(({ key }) => key))].join(', ');
  return provisionError('MM_ENGINE_CONFIG_CONFLICT', {
    message: `The host's engine configuration (${daemonJsonPath}) conflicts with what mymachine needs: ${list}. Nothing was changed.`,
    hint: `Remove ${keys} from the host's own configuration, or choose other values for the machine, then run the command again.`,
  });
}

const dropInDir = '/etc/systemd/system/docker.service.d';
/** docker-machine's file, which ours takes the place of. */
export const dropInPath = `${dropInDir}/10-machine.conf`;
/** For a host where a later drop-in than 10-machine.conf sets the command line: the last counts. */
export const lateDropInPath = `${dropInDir}/zz-mymachine.conf`;

const header =
  '# Written by mymachine. Changed by `mymachine provision`, gone after `mymachine rm --restore`.';

export function isOurDropIn(path: string, text: string): boolean {
  return (path === dropInPath || path === lateDropInPath) && text.startsWith(header.slice(0, 24));
}

/** The engine's environment, and its command line if there is one. undefined for neither. */
function dropInText(execStart: string | undefined, env: readonly string[]): string | undefined {
  const lines = env.map((assignment) => `Environment=${quoteForEnvironment(checkedAssignment(assignment))}`);
  if (execStart !== undefined) lines.push('ExecStart=', `ExecStart=${execStart}`);
  return lines.length === 0 ? undefined : [header, '[Service]', ...lines, ''].join('\n');
}

/** The unit's own words as they are written, and further arguments quoted. */
function commandLine(rawWords: readonly string[], args: readonly string[]): string {
  return [...rawWords, ...args.map(quoteForCommand)].join(' ');
}

/** systemd ignores what is no assignment, with a line in its journal. We refuse it. */
function checkedAssignment(assignment: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*=[^\u0000-\u0008\u000b-\u001f\u007f]*$/.test(assignment)) return assignment;
  throw provisionError('MM_ENGINE_OPTION', {
    message: `"${printable(assignment.split('=')[0] ?? '', 60)}" cannot be set in the engine's environment: it must read NAME=VALUE, without control characters.`,
    hint: 'Give it as --engine-env NAME=VALUE.',
  });
}

/**
 * For the scopes of all containers (systemd.unit(5): a name cut at a dash).
 * With live-restore they outlive dockerd, and runc leaves out systemd's default dependencies.
 * Without this a shutdown waits 90 s for those that take no SIGTERM.
 * They are stopped after dockerd, which could start new ones, as `docker stop` does: in 10 s.
 */
export const scopeDropInPath = '/etc/systemd/system/docker-.scope.d/10-mymachine.conf';

export const scopeDropIn = `# Written by mymachine, gone after \`mymachine rm --restore\`: containers end within ten seconds of a shutdown.
[Unit]
Conflicts=shutdown.target
Before=shutdown.target docker.service
[Scope]
TimeoutStopSec=10s
`;
