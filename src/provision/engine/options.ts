import type { Json, JsonObject } from '../../base/json.ts';
import { printable } from '../../base/printable.ts';
import type { EngineSpec } from '../contract.ts';
import { provisionError } from '../errors.ts';
import { flagNamed, jsonValueOf } from './flags.ts';
import type { Wanted } from './merge.ts';

export const tlsPaths = {
  ca: '/etc/docker/ca.pem',
  cert: '/etc/docker/server.pem',
  key: '/etc/docker/server-key.pem',
} as const;

/** What the machine wants in daemon.json, and what only dockerd's command line can say. */
export interface WantedEngine {
  readonly keys: ReadonlyMap<string, Wanted>;
  /** Options that have no key we know, each as one argument. */
  readonly args: readonly string[];
}

/** Options that would cut this program off from the engine, or open the engine to everybody. */
const reserved: ReadonlySet<string> = new Set(
  'config-file tls tlsverify tlscacert tlscert tlskey pidfile'.split(' '),
);

/** Without `hosts` for the local socket, which depends on the host. */
export function wantedEngine(spec: EngineSpec): WantedEngine {
  const keys = new Map<string, Wanted>();
  const list = (key: string, entries: readonly Json[]) => {
    const before = keys.get(key);
    const all = [...(before?.kind === 'list' ? before.entries : []), ...entries];
    if (all.length > 0) keys.set(key, { kind: 'list', entries: [...new Set(all)] });
  };
  const scalar = (key: string, value: Json) => keys.set(key, { kind: 'scalar', value });
  if (spec.port > 0) {
    list('hosts', [`tcp://0.0.0.0:${spec.port}`]);
    scalar('tlsverify', true);
    scalar('tlscacert', tlsPaths.ca);
    scalar('tlscert', tlsPaths.cert);
    scalar('tlskey', tlsPaths.key);
  }
  list('labels', spec.labels);
  list('registry-mirrors', spec.registryMirrors);
  list('insecure-registries', spec.insecureRegistries);
  if (spec.storageDriver !== '') scalar('storage-driver', spec.storageDriver);
  keys.set('live-restore', { kind: 'scalar', value: true, soft: true });
  const args: string[] = [];
  for (const option of spec.options) {
    const { name, value } = parseOption(option);
    const flag = flagNamed(name);
    if (reserved.has(flag?.flag ?? name)) throw optionError(option, 'mymachine sets it itself');
    if (flag === undefined || flag.type === 'complex') {
      args.push(value === undefined ? `--${name}` : `--${name}=${value}`);
      continue;
    }
    const json = jsonValueOf(flag, value ?? (flag.type === 'bool' ? 'true' : ''));
    if (json === undefined || (value === undefined && flag.type !== 'bool')) {
      throw optionError(
        option,
        `it takes ${flag.type === 'bool' ? 'true or false' : `a value (${flag.type})`}`,
      );
    }
    if (flag.type === 'list') list(flag.key, [json]);
    else if (flag.type === 'map') {
      const before = keys.get(flag.key);
      const entries: JsonObject = before?.kind === 'map' ? before.entries : {};
      keys.set(flag.key, { kind: 'map', entries: { ...entries, ...mapEntry(option, value ?? '') } });
    } else scalar(flag.key, json);
  }
  return { keys, args };
}

/** docker-machine made `--OPTION` of it, so a blank separates a value as well as an equals sign. */
function parseOption(option: string): { readonly name: string; readonly value: string | undefined } {
  const match = /^-{0,2}([A-Za-z0-9][A-Za-z0-9.-]*)(?:(?:=|\s+)([\s\S]*))?$/.exec(option.trim());
  if (match?.[1] === undefined || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(option))
    throw optionError(option, 'it must read NAME or NAME=VALUE');
  return { name: match[1], value: match[2] };
}

function mapEntry(option: string, text: string): JsonObject {
  const equals = text.indexOf('=');
  if (equals < 1) throw optionError(option, 'its value must read KEY=VALUE');
  return { [text.slice(0, equals)]: text.slice(equals + 1) };
}

function optionError(option: string, why: string) {
  return provisionError('MM_ENGINE_OPTION', {
    message: `The engine option "${printable(option, 100)}" cannot be used: ${why}.`,
    hint: "See dockerd's options in https://docs.docker.com/reference/cli/dockerd/ .",
  });
}
