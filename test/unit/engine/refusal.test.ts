import { expect, it } from 'vitest';
import { explain } from '../../../src/engine/answers.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

function said(host: string, isBun: boolean) {
  const endpoint = { kind: 'tls', host, port: 2376, ca: '', cert: '', key: '' } as const;
  const situation = { endpoint, where: `tcp://${host}:2376`, machineName: 'host1', now: 0 };
  const { code, message, hint } = explain(refused, situation, isBun);
  return { code, message, hint };
}

it('takes a refusal for one where the system tells it from a host that is not there', () => {
  expect(said('192.0.2.10', false)).toMatchObject({
    code: 'MM_ENGINE_REFUSED',
    message: 'Nothing listens at tcp://192.0.2.10:2376: the connection was refused',
  });
});

it('leaves open what was wrong where every failure is called a refusal, as by Bun', () => {
  expect(said('192.0.2.10', true)).toEqual({
    code: 'MM_ENGINE_REFUSED',
    message: 'No connection to tcp://192.0.2.10:2376: nothing listens there, or there is no way to it',
    hint: 'Is the machine running? Look with "mymachine status host1"; if it is, its engine is not: "mymachine provision host1"; otherwise "mymachine start host1".',
  });
});

it('knows that there always is a way to this computer itself', () => {
  for (const host of ['127.0.0.1', '127.8.0.1', '::1', 'localhost'])
    expect(said(host, true).message).toContain('the connection was refused');
});
