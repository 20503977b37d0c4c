import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareApiVersions, negotiate } from '../../../src/engine/answers.ts';
import { formatEngineUrl, parseEngineUrl } from '../../../src/engine/contract.ts';

describe('the address of an engine', () => {
  it('is read from a URL, with docker’s TLS port when there is none', () => {
    expect(parseEngineUrl('tcp://192.0.2.10:2375')).toEqual({ host: '192.0.2.10', port: 2375 });
    expect(parseEngineUrl('tcp://docker.example.com')).toEqual({ host: 'docker.example.com', port: 2376 });
    expect(parseEngineUrl('https://h/')).toEqual({ host: 'h', port: 2376 });
    expect(parseEngineUrl('tcp://[2001:db8::1]:2376')).toEqual({ host: '2001:db8::1', port: 2376 });
    expect(parseEngineUrl('tcp://[fe80::1%eth0]:1')).toEqual({ host: 'fe80::1%eth0', port: 1 });
  });

  it('is refused when it is anything else', () => {
    const bad = ['', 'h:2376', 'tcp://', 'tcp://:2376', 'tcp://h:0', 'tcp://h:65536', 'tcp://h:x', 'ssh://h'];
    const worse = ['unix:///var/run/docker.sock', 'tcp://2001:db8::1', 'tcp://u@h', 'tcp://h/x', 'tcp://h?x'];
    for (const url of [
      ...bad,
      ...worse,
      'tcp://[h]:1',
      'tcp://h\n:1',
      'tcp://-h',
      'tcp://h-:1',
      'tcp://$(x)',
    ]) {
      expect(() => parseEngineUrl(url), url).toThrow(expect.objectContaining({ code: 'MM_ENGINE_URL' }));
    }
    expect(() => parseEngineUrl(`tcp://${'a'.repeat(70_000)}`)).toThrow(/not the address/);
  });

  it('comes back from its text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
        fc.integer({ min: 1, max: 65535 }),
        (host, port) => {
          expect(parseEngineUrl(formatEngineUrl({ host, port }))).toEqual({ host, port });
        },
      ),
    );
  });
});

describe('versions of the API', () => {
  it('are compared as numbers', () => {
    expect(compareApiVersions('1.9', '1.24')).toBeLessThan(0);
    expect(compareApiVersions('2.0', '1.99')).toBeGreaterThan(0);
    expect(compareApiVersions('1.41', '1.41')).toBe(0);
  });

  it('meet at the older one, or at the oldest of an engine of the future', () => {
    expect(negotiate('1.41', '1.12')).toBe('1.41');
    expect(negotiate('1.90')).toBe('1.52');
    expect(negotiate('1.90', '1.44')).toBe('1.52');
    expect(negotiate('1.90', '1.70')).toBe('1.70');
  });
});
