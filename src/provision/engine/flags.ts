/**
 * dockerd's options and the keys that stand for them in daemon.json, after dockerd's reference documentation and its
 * flag definitions. dockerd refuses to start when one setting is given both ways, so both names must be known.
 * 'complex' ones have a structure in daemon.json that their text does not show; they stay arguments.
 */
export interface EngineFlag {
  readonly flag: string;
  readonly short?: string;
  readonly key: string;
  readonly type: 'bool' | 'int' | 'string' | 'list' | 'map' | 'complex';
}

const same = (type: EngineFlag['type'], ...flags: readonly string[]): readonly EngineFlag[] =>
  flags.map((flag) => ({ flag, key: flag, type }));

export const engineFlags: readonly EngineFlag[] = [
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
  { flag: 'dns', key: 'dns', type: 'list' },
  { flag: 'dns-opt', key: 'dns-opts', type: 'list' },
  { flag: 'dns-search', key: 'dns-search', type: 'list' },
  { flag: 'authorization-plugin', key: 'authorization-plugins', type: 'list' },
  { flag: 'node-generic-resource', key: 'node-generic-resources', type: 'list' },
  { flag: 'cdi-spec-dir', key: 'cdi-spec-dirs', type: 'list' },
  { flag: 'log-opt', key: 'log-opts', type: 'map' },
  { flag: 'add-runtime', key: 'runtimes', type: 'complex' },
  { flag: 'default-ulimit', key: 'default-ulimits', type: 'complex' },
  { flag: 'default-address-pool', key: 'default-address-pools', type: 'complex' },
  { flag: 'default-network-opt', key: 'default-network-opts', type: 'complex' },
  { flag: 'default-shm-size', key: 'default-shm-size', type: 'string' },
  { flag: 'containerd-plugins-namespace', key: 'containerd-plugin-namespace', type: 'string' },
  // Nested below "proxies" in daemon.json from engine 23 on; as arguments they work everywhere they work at all.
  { flag: 'http-proxy', key: 'proxies', type: 'complex' },
  { flag: 'https-proxy', key: 'proxies', type: 'complex' },
  { flag: 'no-proxy', key: 'proxies', type: 'complex' },
  ...same(
    'bool',
    'tls',
    'tlsverify',
    'live-restore',
    'experimental',
    'icc',
    'init',
    'ip-forward',
    'ip-masq',
    'ip6tables',
    'iptables',
    'ipv6',
    'no-new-privileges',
    'raw-logs',
    'selinux-enabled',
    'userland-proxy',
    'allow-direct-routing',
    'cri-containerd',
    'ip-forward-no-drop',
  ),
  ...same(
    'int',
    'mtu',
    'max-concurrent-downloads',
    'max-concurrent-uploads',
    'max-download-attempts',
    'shutdown-timeout',
    'network-control-plane-mtu',
    'cpu-rt-period',
    'cpu-rt-runtime',
    'oom-score-adjust',
  ),
  ...same(
    'string',
    'tlscacert',
    'tlscert',
    'tlskey',
    'bip',
    'bip6',
    'cgroup-parent',
    'containerd',
    'containerd-namespace',
    'data-root',
    'default-cgroupns-mode',
    'default-gateway',
    'default-gateway-v6',
    'default-ipc-mode',
    'default-runtime',
    'exec-root',
    'fixed-cidr',
    'fixed-cidr-v6',
    'firewall-backend',
    'init-path',
    'ip',
    'log-driver',
    'log-format',
    'metrics-addr',
    'seccomp-profile',
    'swarm-default-advertise-addr',
    'userland-proxy-path',
    'userns-remap',
  ),
];

/** Keys whose change dockerd takes over on SIGHUP; all others need a restart. */
export const reloadableKeys: ReadonlySet<string> = new Set([
  'debug',
  'labels',
  'live-restore',
  'max-concurrent-downloads',
  'max-concurrent-uploads',
  'max-download-attempts',
  'insecure-registries',
  'registry-mirrors',
  'shutdown-timeout',
]);

export function flagNamed(name: string): EngineFlag | undefined {
  return engineFlags.find((one) => one.flag === name || one.short === name);
}
