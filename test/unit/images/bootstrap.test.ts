import { expect, test } from 'vitest';
import type { AptMirror } from '../../../src/images/apt-mirror.ts';
import { bootstrapArgv, sourceLines } from '../../../src/images/bootstrap.ts';
import { guestPackages } from '../../../src/images/build.ts';

const debian: AptMirror = {
  distribution: 'debian',
  archive: 'http://mirror.example/debian',
  security: 'http://mirror.example/debian-security',
  codename: 'bookworm',
};

test('a stable release comes with its updates and security fixes, and the unstable one is alone', () => {
  expect(sourceLines(debian, 'trixie')).toEqual([
    'deb http://mirror.example/debian trixie main',
    'deb http://mirror.example/debian trixie-updates main',
    'deb http://mirror.example/debian-security trixie-security main',
  ]);
  expect(sourceLines(debian, 'sid')).toEqual(['deb http://mirror.example/debian sid main']);
  const ubuntu: AptMirror = { ...debian, distribution: 'ubuntu', security: debian.archive };
  expect(sourceLines(ubuntu, 'noble').at(-1)).toBe(
    'deb http://mirror.example/debian noble-security main universe',
  );
});

test('packages, hooks and sources reach mmdebstrap as arguments of their own', () => {
  const customizeHooks = ['echo "one"\necho two "$1"\n', "echo 'three'"];
  const argv = bootstrapArgv({
    mirror: debian,
    suite: 'bookworm',
    packages: ['a', 'b'],
    target: '/work with blanks/root',
    setupHooks: ['echo before'],
    customizeHooks,
  });
  expect(argv.slice(0, 4)).toEqual(['mmdebstrap', '--mode=root', '--variant=apt', '--include=a,b']);
  expect(argv.slice(-5, -3)).toEqual(['bookworm', '/work with blanks/root']);
  expect(argv).toContain('--setup-hook=echo before');
  for (const hook of customizeHooks) expect(argv).toContain(`--customize-hook=${hook}`);
});

test('the engine brings its own client where the distribution has split it off', () => {
  expect(guestPackages('debian', 'bookworm', true)).toContain('docker.io');
  expect(guestPackages('debian', 'bookworm', true)).not.toContain('docker-cli');
  expect(guestPackages('debian', 'trixie', true)).toEqual(
    expect.arrayContaining(['docker.io', 'docker-cli']),
  );
  expect(guestPackages('debian', 'trixie', false)).not.toContain('docker.io');
});

test('a machine with real hardware gets a kernel that knows it', () => {
  expect(guestPackages('debian', 'trixie', true)[0]).toBe('linux-image-cloud-amd64');
  expect(guestPackages('debian', 'trixie', true, 'full')[0]).toBe('linux-image-amd64');
  expect(guestPackages('ubuntu', 'noble', true, 'full')[0]).toBe('linux-image-virtual');
});
