import { describe, expect, test } from 'vitest';
import { checkEngineWishes } from '../../../../src/provision/engine/options.ts';

const nothing = {
  options: [],
  registryMirrors: [],
  insecureRegistries: [],
  storageDriver: '',
  labels: [],
  installUrl: '',
};
const check = (wishes: Partial<Parameters<typeof checkEngineWishes>[0]>) =>
  checkEngineWishes({ ...nothing, ...wishes });

describe('what no engine takes is refused before anything is made', () => {
  test.each(['', ' ', '--', '=x', 'mtu=many', 'tlsverify=false', 'log-opt=x', 'a=\u0007'])(
    'the option %j',
    (option) => {
      expect(() => check({ options: [option] })).toThrow(/^The engine option ".*" cannot be used: /s);
    },
  );

  test.each([
    ...['log-level=loud', 'dns=name.example', 'dns=300.1.1.1', 'bip=nope', 'bip=10.0.0.1', 'bip=10.0.0.1/99'],
    ...['bip6=10.0.0.1/24', 'fixed-cidr=1', 'ip=name', 'default-gateway=x', 'metrics-addr=9323', 'mtu=-1'],
    ...['max-concurrent-downloads=-1', 'max-download-attempts=-3', 'mtu=99999999999999999999'],
    ...['label=x', 'label==x', 'storage-driver=nope', 'registry-mirror=ftp://x', 'insecure-registry=x/y'],
    ...['default-ulimit=nofile', 'default-ulimit=nofile=a:b', 'default-address-pool=base=x', 'storage-opt=x'],
    ...['version', '-v', 'help', 'validate=true', 'exec-opt=x'],
  ])('the option %j, which is one but says nothing that is', (option) => {
    expect(() => check({ options: [option] })).toThrow(/ cannot be used: /);
  });

  test('two values of one label', () => {
    expect(() => check({ labels: ['a=1', 'a=2'] })).toThrow('The label "a=2" cannot be used: ');
    expect(() => check({ labels: ['a=1'], options: ['label=a=2'] })).toThrow('The label "a=2" cannot be');
    check({ labels: ['a=1', 'a=1', 'b='] });
  });

  test.each([
    ...['', 'mirror.example', 'ftp://x', 'https://', 'http://a b', 'https://user:word@mirror.example'],
    ...['https://mirror.example/?a=b', 'https://mirror.example/#a', 'https://mirror.example:99999'],
  ])('the registry mirror %j', (mirror) => {
    expect(() => check({ registryMirrors: [mirror] })).toThrow(/^The registry mirror ".*" cannot be used: /);
  });

  test.each([
    ...['', 'ftp://x', 'a b', 'registry.example/path', 'registry.example:many', '-registry.example'],
    ...['registry.example:99999', '192.0.2.0/33', 'registry-'],
  ])('the insecure registry %j', (registry) => {
    expect(() => check({ insecureRegistries: [registry] })).toThrow(
      /^The insecure registry ".*" cannot be used: /,
    );
  });

  test.each(['over lay', '/overlay2', 'a\nb', 'nope', 'OVERLAY2', '-x'])(
    'the storage driver %j',
    (storageDriver) => {
      expect(() => check({ storageDriver })).toThrow(/^The storage driver ".*" cannot be used: /s);
    },
  );

  test.each(['htp://x', 'https://', 'get docker', 'file:///x', 'https://a b/', '/tmp/install.sh', '-o x'])(
    'the installation script %j',
    (installUrl) => {
      expect(() => check({ installUrl })).toThrow(/^The installation script ".*" cannot be used: /);
    },
  );
});

test('what engines take is let through', () => {
  check({
    options: [
      ...['log-level=debug', 'live-restore', '--mtu 1400', 'some-new-option=x', 'log-opt=max-size=1m'],
      ...['dns=192.0.2.1', 'dns=2001:db8::1', 'bip=10.0.0.1/24', 'fixed-cidr=10.0.0.0/25', 'a=b=c', 'mtu=0'],
      ...['metrics-addr=127.0.0.1:9323', 'metrics-addr=[::1]:9323', 'metrics-addr=:9323', 'label=a=b'],
      ...[
        'default-ulimit=nofile=1024:2048',
        'default-ulimit=core=-1',
        'exec-opt=native.cgroupdriver=systemd',
      ],
      ...['default-address-pool=base=10.0.0.0/8,size=24', 'storage-driver=overlay2', 'bip6=2001:db8::1/64'],
      ...[
        'storage-opt=overlay2.size=1G',
        'ip=0.0.0.0',
        'max-concurrent-downloads=0',
        'log-driver=org/plugin:1',
      ],
    ],
    registryMirrors: ['https://mirror.example', 'http://192.0.2.1:5000/', 'https://[2001:db8::1]:5000/path'],
    insecureRegistries: [
      ...['registry', 'registry.example:5000', '192.0.2.0/24', '[2001:db8::1]:5000', '2001:db8::/32'],
      ...['http://registry.example:5000', 'my_registry:5000'],
    ],
    storageDriver: 'overlay2',
    installUrl: 'https://get.docker.com',
  });
  for (const storageDriver of ['fuse-overlayfs', 'org/plugin:1.0', 'zfs', 'overlayfs', ''])
    check({ storageDriver });
  for (const installUrl of [
    'get.docker.com',
    'http://192.0.2.1:8080/a?b=c',
    'ftp://mirror.example/install',
    '',
  ])
    check({ installUrl });
});
