import { expect, test } from 'vitest';
import { ec2Failure } from '../../../../src/drivers/amazonec2/api/failures.ts';

const NOW = Date.UTC(2026, 10, 20, 10);

/** A refusal as the SDK throws it. `answeredAt` is the server's time, where the answer has it. */
function refusal(name: string, message: string, answeredAt?: number): Error {
  const headers = answeredAt === undefined ? {} : { date: new Date(answeredAt).toUTCString() };
  return Object.assign(new Error(message), { name, Code: name, $response: { headers }, $metadata: {} });
}

const situation = { region: 'us-east-1', config: { Endpoint: '' }, isTemporary: false, now: NOW, call: '' };

const UNKNOWN_KEYS = 'AWS was not able to validate the provided access credentials';

test.each([
  [
    'MM_EC2_CLOCK',
    refusal('SignatureDoesNotMatch', 'Signature expired: 20261120T094000Z is now earlier than …'),
  ],
  ['MM_EC2_CLOCK', refusal('SignatureDoesNotMatch', 'Signature not yet current: 20261120T104000Z is …')],
  ['MM_EC2_CLOCK', refusal('AuthFailure', UNKNOWN_KEYS, NOW - 3_600_000)],
  ['MM_EC2_CREDENTIALS', refusal('AuthFailure', UNKNOWN_KEYS, NOW + 1000)],
  ['MM_EC2_CREDENTIALS', refusal('AuthFailure', UNKNOWN_KEYS)],
  ['MM_EC2_IMAGE', refusal('AuthFailure', 'Not authorized for images: [ami-0a00000000000a001]', NOW)],
])('%s is what %s means', (code, error) => {
  expect(ec2Failure(error, situation)).toMatchObject({ code });
});

test('a refusal names the call, whose permission may be missing', () => {
  const error = refusal('UnauthorizedOperation', 'You are not authorized to perform this operation.');
  expect(ec2Failure(error, { ...situation, call: 'CreateSecurityGroup' })).toMatchObject({
    code: 'MM_EC2_PERMISSION',
    message:
      'UnauthorizedOperation of CreateSecurityGroup: You are not authorized to perform this operation.',
  });
});
