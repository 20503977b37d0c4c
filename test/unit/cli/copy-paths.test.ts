import { expect, test } from 'vitest';
import { parseCopyPath } from '../../../src/cli/ssh-client.ts';

test.each([
  ['host1:/etc/motd', { machine: 'host1', user: undefined, path: '/etc/motd' }],
  ['root@host1:a:b', { machine: 'host1', user: 'root', path: 'a:b' }],
  ['host1:', { machine: 'host1', user: undefined, path: '' }],
  ['host1:a b/"c" *', { machine: 'host1', user: undefined, path: 'a b/"c" *' }],
])('%s is of a machine', (text, parsed) => {
  expect(parseCopyPath(text, 'linux')).toEqual(parsed);
  expect(parseCopyPath(text, 'win32')).toEqual(parsed);
});

test.each([
  ['notes.txt', 'notes.txt'],
  ['-r', '-r'],
  ['', ''],
  ['localhost:a:b', 'a:b'],
  ['me@localhost:/tmp', '/tmp'],
  ['./a:b', './a:b'],
  ['/tmp/12:30', '/tmp/12:30'],
  ['a/b@c:d', 'a/b@c:d'],
])('%j is of this computer', (text, path) => {
  expect(parseCopyPath(text, 'linux')).toEqual({ machine: undefined, user: undefined, path });
});

test.each(['C:\\Users\\me', 'c:/tmp', 'c:notes.txt', '.\\a:b'])(
  '%s is of this computer on Windows',
  (text) => {
    expect(parseCopyPath(text, 'win32')).toEqual({ machine: undefined, user: undefined, path: text });
  },
);

test.each([':/etc', '@host1:x', 'me@:x', '-oProxyCommand=x@host1:y'])('%s is refused', (text) => {
  expect(() => parseCopyPath(text, 'linux')).toThrow(expect.objectContaining({ code: 'MM_ARGUMENTS' }));
});
