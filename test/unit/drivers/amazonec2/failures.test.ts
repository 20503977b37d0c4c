import { expect, test } from 'vitest';
import { ec2Failure } from '../../../../src/drivers/amazonec2/api/failures.ts';

const NOW = Date.UTC(2026, 10, 20, 10);

/** A refusal as the SDK throws it. `answeredAt` is the server's time, where the answer has it. */
function refusal(name: string, message: string, answeredAt?: number): Error {
  const headers = answeredAt === undefined ? {} : { date: new Date(answeredAt).toUTCString() };
  return Object.assign(new Error(message), { name, Code: name, $response: { headers }, $metadata: {} });
}

const situation = {
  region: 'us-east-1',
  config: { Endpoint: '', Profile: '' },
  isTemporary: false,
  now: NOW,
  call: '',
};

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

/** As the SDK's chain of credentials fails. */
const chain = (message: string) => Object.assign(new Error(message), { name: 'CredentialsProviderError' });

test('a profile that does not exist is named, with where the others are', () => {
  const error = chain(
    'Could not resolve credentials using profile: [nope] in configuration/credentials file(s).',
  );
  expect(ec2Failure(error, { ...situation, config: { Endpoint: '', Profile: 'nope' } })).toMatchObject({
    code: 'MM_EC2_CREDENTIALS',
    hint: expect.stringMatching(/"nope".*aws configure list-profiles/),
  });
});

test.each([
  'The SSO session associated with this profile has expired. To refresh this SSO session run aws sso login with the corresponding profile.',
  'The SSO session token associated with profile=work was not found or is invalid.',
  "Token is expired. To refresh this SSO session run 'aws sso login' with the corresponding profile.",
])('an SSO session that is over asks for a new login', (message) => {
  expect(
    ec2Failure(chain(message), { ...situation, config: { Endpoint: '', Profile: 'work' } }),
  ).toMatchObject({
    code: 'MM_EC2_EXPIRED',
    hint: expect.stringContaining('"aws sso login --profile work"'),
  });
});

test.each(['PendingVerification', 'OptInRequired', 'Blocked'])('no policy helps against %s', (code) => {
  const { hint } = ec2Failure(refusal(code, 'Your request is being validated'), situation);
  expect(hint).not.toContain('policy');
  expect(hint).toMatch(/AWS/);
});
