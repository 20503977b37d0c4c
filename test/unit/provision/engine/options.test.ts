import { describe, expect, test } from 'vitest';
import { checkEngineWishes } from '../../../../src/provision/engine/options.ts';

const nothing = {
  options: [],
  registryMirrors: [],
  insecureRegistries: [],
  storageDriver: '',
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

  test.each(['over lay', '/overlay2', 'a\nb'])('the storage driver %j', (storageDriver) => {
    expect(() => check({ storageDriver })).toThrow(/^The storage driver ".*" cannot be used: /s);
  });

  test.each(['htp://x', 'https://', 'get docker', 'file:///x', 'https://a b/', '/tmp/install.sh', '-o x'])(
    'the installation script %j',
    (installUrl) => {
      expect(() => check({ installUrl })).toThrow(/^The installation script ".*" cannot be used: /);
    },
  );
});

test('what engines take is let through', () => {
  check({
    options: ['log-level=debug', 'live-restore', '--mtu 1400', 'some-new-option=x', 'log-opt=max-size=1m'],
    registryMirrors: ['https://mirror.example', 'http://192.0.2.1:5000/', 'https://[2001:db8::1]:5000/path'],
    insecureRegistries: [
      ...['registry', 'registry.example:5000', '192.0.2.0/24', '[2001:db8::1]:5000', '2001:db8::/32'],
      ...['http://registry.example:5000', 'my_registry:5000'],
    ],
    storageDriver: 'overlay2',
    installUrl: 'https://get.docker.com',
  });
  for (const storageDriver of ['fuse-overlayfs', 'org/plugin:1.0', '']) check({ storageDriver });
  for (const installUrl of [
    'get.docker.com',
    'http://192.0.2.1:8080/a?b=c',
    'ftp://mirror.example/install',
    '',
  ])
    check({ installUrl });
});
