import { expect, test } from 'vitest';
import { ClientLog } from '../../../../src/ssh/system/client-log.ts';

const FINGERPRINT = 'SHA256:Bv/i5wlVouwR+tuEd1YJxDtdaxcNx4TKNLuYWr2ycfM';

test('a login is followed, however its lines are cut', () => {
  const log = new ClientLog();
  const stages: string[] = [];
  const text = [
    'OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.22 25 Aug 2026',
    'debug1: Connecting to 192.0.2.7 [192.0.2.7] port 22.',
    'debug1: Connection established.',
    'debug1: SSH2_MSG_NEWKEYS received',
    `debug1: Offering public key: /k/id ED25519 ${FINGERPRINT} explicit agent`,
    `debug1: Server accepts key: /k/id ED25519 ${FINGERPRINT} explicit agent`,
    `debug1: Offering public key: /k/sk ED25519-SK ${FINGERPRINT} explicit authenticator`,
    `debug1: Server accepts key: /k/sk ED25519-SK ${FINGERPRINT} explicit authenticator`,
    'Authenticated to 192.0.2.7 ([192.0.2.7]:22) using "publickey".',
    'debug1: Entering interactive session.',
    '',
  ].join('\n');
  for (const char of text) {
    log.add(char);
    if (log.stage !== stages.at(-1)) stages.push(log.stage);
  }
  expect(stages).toEqual(['way', 'greeting', 'login', 'agent', 'touch', 'login']);
  expect(log).toMatchObject({ hasMet: true, isReady: true, said: '', certified: undefined });
  expect(log.offered).toHaveLength(2);
});

test('what a host says is neither a debug line nor a control of the terminal', () => {
  const log = new ClientLog();
  const type = 'ssh-ed25519-cert-v01@openssh.com';
  const line = `Server host certificate: ${type} ${FINGERPRINT}, serial 0 ID "h" CA ssh-ed25519 SHA256:x`;
  log.add(`debug1: kex_exchange_identification: banner line 0: ${line}\n${line}\n\u001b[2Jhidden\n`);
  expect(log.certified).toBeUndefined();
  expect(log.said).toBe(`${line}\nhidden`);
  log.add(`debug1: ${line}\n`);
  expect(log.certified).toEqual({ type: 'ssh-ed25519', fingerprint: FINGERPRINT });
});

test('it keeps no more than a screen of what is said', () => {
  const log = new ClientLog();
  for (let n = 0; n < 1000; n += 1) log.add(`line ${n} ${'x'.repeat(5000)}\n`);
  expect(log.said.length).toBeLessThan(40 * 510);
  expect(log.said).toContain('line 999');
});
