import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.ts';

/** EC2 takes calls whose time is this far from its own. */
const SKEW_MS = 5 * 60_000;

/** Keys that are known here begin so; anything else is a stranger's. */
const KNOWN_KEY = /^(?:AKIA|ASIA)[A-Z0-9]{4,}$/;

/** Sees that a call is signed by signature version 4, now, by a known key. Gives its region. */
export function checkSignature(request: IncomingMessage): string {
  const { authorization = '', 'x-amz-date': date } = request.headers;
  const shape =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([a-z0-9-]+)\/ec2\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}$/.exec(
      authorization,
    );
  if (shape === null || typeof date !== 'string')
    throw new ApiError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
  const [, key = '', , region = '', headers = ''] = shape;
  const signed = headers.split(';');
  for (const name of ['host', 'x-amz-date'])
    if (!signed.includes(name))
      throw new ApiError('SignatureDoesNotMatch', `The header ${name} is not signed`, 403);
  const time = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(Date.now() - time) < SKEW_MS)) throw new ApiError('RequestExpired', 'Request has expired.');
  if (!KNOWN_KEY.test(key))
    throw new ApiError('AuthFailure', 'AWS was not able to validate the provided access credentials', 401);
  return region;
}
