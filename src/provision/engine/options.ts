import type { Json, JsonObject } from '../../base/json.ts';
import { printable } from '../../base/printable.ts';
import type { EngineSpec } from '../contract.ts';
import { provisionError } from '../errors.ts';
import type { Wanted } from './daemon-json.ts';
import { faultOf } from './option-rules.ts';

export const tlsPaths = {
  ca: '/etc/docker/ca.pem',
  cert: '/etc/docker/server.pem',
  key: '/etc/docker/server-key.pem',
} as const;

/** What the machine wants in daemon.json, and what only dockerd's command line can say. */
interface WantedEngine {
  readonly keys: ReadonlyMap<string, Wanted>;
  /** Options that have no key we know, each as one argument. */
  readonly args: readonly string[];
}

/** Options that would cut this program off from the engine, or open the engine to everybody. */
const reserved: ReadonlySet<string> = new Set(
  'config-file tls tlsverify tlscacert tlscert tlskey pidfile'.split(' '),
);

/** With these dockerd says something and ends. */
const ENDING: ReadonlySet<string> = new Set(['version', 'v', 'help', 'h', 'validate']);

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
  const args: string[] = [];
  for (const option of spec.options) {
    const { name, value } = parseOption(option);
    const flag = flagNamed(name);
    if (reserved.has(flag?.flag ?? name)) throw optionError(option, 'mymachine sets it itself');
    if (ENDING.has(name)) throw optionError(option, 'the engine would end at once');
    const fault = value === undefined ? undefined : faultOf(flag?.flag ?? name, value);
    if (fault !== undefined) throw optionError(option, fault);
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

function optionError(option: string, why: string, what = 'engine option') {
  return provisionError('MM_ENGINE_OPTION', {
    message: `The ${what} "${printable(option, 100)}" cannot be used: ${why}.`,
    hint: "See dockerd's options in https://docs.docker.com/reference/cli/dockerd/ .",
  });
}

type EngineWishes = Pick<
  EngineSpec,
  'labels' | 'options' | 'registryMirrors' | 'insecureRegistries' | 'storageDriver' | 'installUrl'
>;

/** Refuses what no engine and no host takes, before anything is made. @throws MM_ENGINE_OPTION */
export function checkEngineWishes(wishes: EngineWishes): void {
  const nothing = { install: 'auto', version: '', port: 0, env: [] } as const;
  const check = (flag: string, values: readonly string[], what: string) => {
    for (const value of values) {
      const fault = faultOf(flag, value);
      if (fault !== undefined) throw optionError(value, fault, what);
    }
  };
  check('label', wishes.labels, 'label');
  check('registry-mirror', wishes.registryMirrors, 'registry mirror');
  check('insecure-registry', wishes.insecureRegistries, 'insecure registry');
  if (wishes.storageDriver !== '') check('storage-driver', [wishes.storageDriver], 'storage driver');
  const labels = wantedEngine({ ...wishes, ...nothing }).keys.get('labels');
  const values = new Map<string, string>();
  for (const label of labels?.kind === 'list' ? labels.entries.map(String) : []) {
    const name = label.slice(0, label.indexOf('='));
    if (values.has(name)) throw optionError(label, `"${values.get(name)}" says otherwise`, 'label');
    values.set(name, label);
  }
  const { installUrl } = wishes;
  // Without a scheme curl takes it for one of http.
  const whole = installUrl.includes(':/') ? installUrl : `http://${installUrl}`;
  if (installUrl !== '' && !(/^(?:https?|ftp):\/\/[\w[]\S*$/i.test(whole) && URL.canParse(whole)))
    throw optionError(installUrl, 'it must read https://HOST/PATH', 'installation script');
}

/**
 * An option of dockerd, and the key that stands for it in daemon.json (dockerd's reference).
 * dockerd refuses a setting that is given both ways, so both names must be known.
 * 'complex' ones stay arguments: their text does not show their structure in daemon.json.
 */
interface EngineFlag {
  readonly flag: string;
  readonly short?: string;
  readonly key: string;
  readonly type: 'bool' | 'int' | 'string' | 'list' | 'map' | 'complex';
}

/** Those whose key is their name. */
const same = (type: EngineFlag['type'], flags: string): readonly EngineFlag[] =>
  flags.split(/\s+/).map((flag) => ({ flag, key: flag, type }));

const engineFlags: readonly EngineFlag[] = [
  { flag: 'host', short: 'H', key: 'hosts', type: 'list' },
  { flag: 'debug', short: 'D', key: 'debug', type: 'bool' },
  { flag: 'bridge', short: 'b', key: 'bridge', type: 'string' },
  { flag: 'group', short: 'G', key: 'group', type: 'string' },
  { flag: 'log-level', short: 'l', key: 'log-level', type: 'string' },
  { flag: 'pidfile', short: 'p', key: 'pidfile', type: 'string' },
  { flag: 'storage-driver', short: 's', key: 'storage-driver', type: 'string' },
  { flag: 'label', key: 'labels', type: 'list' },
  { flag: 'registry-mirror', key: 'registry-mirrors', type: 'list' },
  { flag: 'insecure-registry', key: 'insecure-registries', type: 'list' },
  { flag: 'storage-opt', key: 'storage-opts', type: 'list' },
  { flag: 'exec-opt', key: 'exec-opts', type: 'list' },
  { flag: 'dns-opt', key: 'dns-opts', type: 'list' },
  { flag: 'authorization-plugin', key: 'authorization-plugins', type: 'list' },
  { flag: 'node-generic-resource', key: 'node-generic-resources', type: 'list' },
  { flag: 'cdi-spec-dir', key: 'cdi-spec-dirs', type: 'list' },
  { flag: 'log-opt', key: 'log-opts', type: 'map' },
  { flag: 'add-runtime', key: 'runtimes', type: 'complex' },
  { flag: 'default-ulimit', key: 'default-ulimits', type: 'complex' },
  { flag: 'default-address-pool', key: 'default-address-pools', type: 'complex' },
  { flag: 'default-network-opt', key: 'default-network-opts', type: 'complex' },
  { flag: 'containerd-plugins-namespace', key: 'containerd-plugin-namespace', type: 'string' },
  // Below "proxies" in daemon.json, from engine 23 on. As arguments they work wherever they exist.
  { flag: 'http-proxy', key: 'proxies', type: 'complex' },
  { flag: 'https-proxy', key: 'proxies', type: 'complex' },
  { flag: 'no-proxy', key: 'proxies', type: 'complex' },
  ...same(
    'bool',
    `tls tlsverify live-restore experimental icc init ip-forward ip-masq ip6tables iptables ipv6
    no-new-privileges raw-logs selinux-enabled userland-proxy allow-direct-routing cri-containerd
    ip-forward-no-drop`,
  ),
  ...same(
    'int',
    `mtu max-concurrent-downloads max-concurrent-uploads max-download-attempts shutdown-timeout
    network-control-plane-mtu cpu-rt-period cpu-rt-runtime oom-score-adjust`,
  ),
  ...same(
    'string',
    `tlscacert tlscert tlskey bip bip6 cgroup-parent containerd containerd-namespace data-root
    default-cgroupns-mode default-gateway default-gateway-v6 default-ipc-mode default-runtime
    default-shm-size exec-root fixed-cidr fixed-cidr-v6 firewall-backend init-path ip log-driver
    log-format metrics-addr seccomp-profile swarm-default-advertise-addr userland-proxy-path
    userns-remap`,
  ),
  ...same('list', 'dns dns-search'),
];

/** Keys whose change dockerd takes over on SIGHUP. All others need a restart. */
export const reloadableKeys: ReadonlySet<string> = new Set(
  `debug labels live-restore max-concurrent-downloads max-concurrent-uploads max-download-attempts
  insecure-registries registry-mirrors shutdown-timeout`.split(/\s+/),
);

function flagNamed(name: string): EngineFlag | undefined {
  return engineFlags.find((one) => one.flag === name || one.short === name);
}

/** An option on dockerd's command line. */
export interface DaemonArgument {
  /** Index of its first word, and how many words belong to it. */
  readonly at: number;
  readonly words: number;
  /** As written, without dashes: 'host', 'H', 'some-new-option'. */
  readonly name: string;
  readonly flag: EngineFlag | undefined;
  /** 'true' for a bool without one. */
  readonly value: string;
}

/** Finds options among words, in dockerd's syntax (pflag): `--a=b`, `--a b`, `-ab`, `-a b`. */
export function daemonArguments(words: readonly string[]): readonly DaemonArgument[] {
  const found: DaemonArgument[] = [];
  for (let at = 0; at < words.length; at++) {
    const parsed = /^(?:--([^=]+)(?:=([\s\S]*))?|-([A-Za-z])=?([\s\S]*))$/.exec(words[at] ?? '');
    if (parsed === null) continue;
    const name = parsed[1] ?? parsed[3] ?? '';
    const flag = flagNamed(name);
    const attached = parsed[1] === undefined ? parsed[4] || undefined : parsed[2];
    const next = words[at + 1];
    if (attached !== undefined) found.push({ at, words: 1, name, flag, value: attached });
    else if (flag?.type === 'bool' || next === undefined || next.startsWith('-') || next.startsWith('$')) {
      found.push({ at, words: 1, name, flag, value: 'true' });
    } else {
      found.push({ at, words: 2, name, flag, value: next });
      at++;
    }
  }
  return found;
}

/** What stands for an option's text in daemon.json. undefined when the text is none of its type. */
export function jsonValueOf(flag: EngineFlag, text: string): Json | undefined {
  if (flag.type === 'int') return /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (flag.type !== 'bool') return text;
  // The spellings that Go's strconv.ParseBool takes.
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}
