import { isMachineError, type MachineError } from '../../../base/machine-error.ts';
import { printable } from '../../../base/printable.ts';
import type { Ec2Config } from '../config.ts';
import { ec2Error, type ec2Errors } from '../errors.ts';

type Id = keyof typeof ec2Errors;

export interface Situation {
  readonly region: string;
  readonly config: Pick<Ec2Config, 'Endpoint'>;
  /** The credentials are temporary. */
  readonly isTemporary: boolean;
  /** Milliseconds since the epoch, by this computer. */
  readonly now: number;
  /** The call that failed, such as RunInstances; '' when it is not known. */
  readonly call: string;
}

interface Meaning {
  readonly id: Id;
  readonly hint: (situation: Situation) => string;
}

const say = (id: Id, hint: string | ((situation: Situation) => string)): Meaning => ({
  id,
  hint: typeof hint === 'string' ? () => hint : hint,
});

const credentials = say(
  'MM_EC2_CREDENTIALS',
  'Give keys that are valid, by --amazonec2-access-key and --amazonec2-secret-key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile (--amazonec2-profile).',
);
const expired = say(
  'MM_EC2_EXPIRED',
  'Get a new session token, for instance with "aws sso login", and run the same command again.',
);
const permission = say(
  'MM_EC2_PERMISSION',
  'Have the policy in docs/drivers/amazonec2.md attached to the user or role; "create --dry-run" shows whether it suffices.',
);
const clock = say(
  'MM_EC2_CLOCK',
  "Set this computer's clock (timedatectl set-ntp true), then run the same command again.",
);
const throttled = say(
  'MM_EC2_THROTTLED',
  'Wait a minute and run the same command again, or allow more attempts with --amazonec2-retries.',
);
const quota = say(
  'MM_EC2_QUOTA',
  ({ region }) => `Remove what is not used in ${region}, or ask for more in the Service Quotas console.`,
);
const capacity = say(
  'MM_EC2_CAPACITY',
  'Try another type (--amazonec2-instance-type), another zone or region, or the same later.',
);
const image = say(
  'MM_EC2_IMAGE',
  ({ region }) =>
    `Give an image of ${region} with --amazonec2-ami, or leave it out to get the newest of --amazonec2-image.`,
);
const type = say(
  'MM_EC2_INSTANCE_TYPE',
  ({ region }) => `See what ${region} has: "aws ec2 describe-instance-type-offerings --region ${region}".`,
);
const network = say(
  'MM_EC2_NETWORK',
  'Name a subnet with --amazonec2-subnet-id; its VPC and zone follow from it.',
);
const group = say(
  'MM_EC2_SECURITY_GROUP',
  'Name another with --amazonec2-security-group, or leave that out to get one of its own.',
);
const key = say(
  'MM_EC2_KEY_PAIR',
  'Name another with --amazonec2-keypair-name, or leave that out to get one of its own.',
);
const region = say('MM_EC2_REGION', 'See the regions of your account: "aws account list-regions".');
const gone = say(
  'MM_EC2_GONE',
  'Somebody else terminated it. "mymachine rm" removes what is left of the machine.',
);

/** Codes as in "Error codes for the Amazon EC2 API". */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  AuthFailure: credentials,
  InvalidClientTokenId: credentials,
  SignatureDoesNotMatch: credentials,
  MissingAuthenticationToken: credentials,
  IncompleteSignature: credentials,
  InvalidAccessKeyId: credentials,
  CredentialsProviderError: credentials,
  Blocked: permission,
  OptInRequired: permission,
  PendingVerification: permission,
  UnauthorizedOperation: permission,
  AccessDenied: permission,
  AccessDeniedException: permission,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  RequestExpired: clock,
  RequestInTheFuture: clock,
  RequestTimeTooSkewed: clock,
  RequestLimitExceeded: throttled,
  Throttling: throttled,
  ThrottlingException: throttled,
  EC2ThrottledException: throttled,
  InstanceLimitExceeded: quota,
  VcpuLimitExceeded: quota,
  MaxSpotInstanceCountExceeded: quota,
  VolumeLimitExceeded: quota,
  AddressLimitExceeded: quota,
  KeyPairLimitExceeded: quota,
  ResourceLimitExceeded: quota,
  SecurityGroupLimitExceeded: quota,
  SecurityGroupsPerInstanceLimitExceeded: quota,
  RulesPerSecurityGroupLimitExceeded: quota,
  InstanceCreditSpecification_NotSupported: type,
  InsufficientInstanceCapacity: capacity,
  InsufficientHostCapacity: capacity,
  InsufficientCapacity: capacity,
  SpotMaxPriceTooLow: capacity,
  InvalidAvailabilityZone: network,
  'InvalidAMIID.NotFound': image,
  'InvalidAMIID.Malformed': image,
  'InvalidAMIID.Unavailable': image,
  InvalidInstanceType: type,
  Unsupported: type,
  'InvalidVpcID.NotFound': network,
  'InvalidVpcID.Malformed': network,
  'InvalidSubnetID.NotFound': network,
  'InvalidSubnetID.Malformed': network,
  'InvalidSubnet.Range': network,
  InvalidSubnet: network,
  InsufficientFreeAddressesInSubnet: network,
  VPCIdNotSpecified: network,
  DefaultVpcDoesNotExist: network,
  'InvalidGroup.NotFound': group,
  'InvalidGroupId.Malformed': group,
  'InvalidSecurityGroupID.NotFound': group,
  'InvalidGroup.Duplicate': group,
  'InvalidKeyPair.NotFound': key,
  'InvalidKeyPair.Duplicate': key,
  'InvalidKey.Format': key,
  'InvalidInstanceID.NotFound': gone,
};

/** The code that EC2 or the SDK gives a failure, or that of the socket. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { name, Code, code } = error as { name?: unknown; Code?: unknown; code?: unknown };
  const words = [Code, name === 'Error' ? undefined : name, code, name];
  return words.find((word): word is string => typeof word === 'string' && word !== '') ?? '';
}

/** Of one of our errors: EC2 does not know what it was asked about. */
export const isNotFound = (error: unknown): boolean =>
  isMachineError(error) && /NotFound$/.test(codeOf(error.cause));

/** Of one of our errors: the same launch in another subnet may do. Zones differ in room and in types, subnets in free addresses. */
export const isOfSubnet = (error: unknown): boolean =>
  isMachineError(error, 'MM_EC2_CAPACITY') ||
  (isMachineError(error) &&
    ['Unsupported', 'InsufficientFreeAddressesInSubnet'].includes(codeOf(error.cause)));

/** Of one of our errors: the server has no such call, as servers of this API other than Amazon's may. */
export const isUnknownCall = (error: unknown): boolean =>
  isMachineError(error) &&
  ['InvalidAction', 'UnsupportedOperation', 'NotImplemented'].includes(codeOf(error.cause));

function isNetwork(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return (
    /^(?:E[A-Z_]+|UND_ERR_.*)$/.test(String(code ?? '')) ||
    name === 'TimeoutError' ||
    name === 'AggregateError'
  );
}

const SKEW_MS = 4 * 60_000;

/** Whether our clock differs from the server's, by its answer's own date; undefined when the answer has none. */
function isSkewed(error: unknown, now: number): boolean | undefined {
  const { $response } = error as { $response?: { headers?: Record<string, string> } };
  const date = Date.parse($response?.headers?.['date'] ?? '');
  return Number.isNaN(date) ? undefined : Math.abs(date - now) > SKEW_MS;
}

/** Of keys that are wrong, and of a clock that is: "Signature expired: … is now earlier than …". */
const UNVERIFIED: ReadonlySet<string> = new Set(['AuthFailure', 'SignatureDoesNotMatch']);

/** What a code means, where that depends on more than the code. */
function meaningOf(error: unknown, code: string, why: string, situation: Situation): Meaning | undefined {
  const skewed = isSkewed(error, situation.now);
  // Said of a session token that is over, and of a clock that is wrong.
  if (code === 'RequestExpired' && situation.isTemporary && skewed === false) return expired;
  if (code === 'AuthFailure' && /not authorized for images/i.test(why)) return image;
  if (UNVERIFIED.has(code) && (skewed === true || /signature (?:expired|not yet current)/i.test(why)))
    return clock;
  return Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined;
}

/** What a failure of the SDK means for the user. */
export function ec2Failure(error: unknown, situation: Situation): MachineError {
  const code = codeOf(error);
  const what = situation.call === '' ? code : `${code} of ${situation.call}`;
  const why = printable(error instanceof Error ? error.message : String(error), 300).trim();
  const known = meaningOf(error, code, why, situation);
  if (known !== undefined) {
    return ec2Error(known.id, { message: `${what}: ${why}`, hint: known.hint(situation), cause: error });
  }
  if (isNetwork(error)) return unreachable(error, why, situation);
  // Its own words: "Could not load credentials from any providers", and the like.
  if (/credentials|sso session|sso token/i.test(why) && !('$metadata' in (error as object)))
    return ec2Error('MM_EC2_CREDENTIALS', { message: why, hint: credentials.hint(situation), cause: error });
  const requestId = (error as { $metadata?: { requestId?: string } }).$metadata?.requestId;
  const request = requestId === undefined ? '' : ` (request ${printable(requestId, 60)})`;
  return ec2Error('MM_EC2_REFUSED', {
    message: `${what}: ${why}${request}`,
    hint: 'The code is explained in "Error codes for the Amazon EC2 API".',
    cause: error,
  });
}

/** A region that does not exist has no address: the endpoint's name holds the region. */
function unreachable(error: unknown, why: string, situation: Situation): MachineError {
  const isUnknownName = /^(?:ENOTFOUND|EAI_AGAIN)$/.test(codeOf(error));
  if (isUnknownName && situation.config.Endpoint === '') {
    return ec2Error('MM_EC2_REGION', {
      message: `There is no EC2 endpoint for the region "${situation.region}", or no name service here: ${why}`,
      hint: region.hint(situation),
      cause: error,
    });
  }
  return ec2Error('MM_EC2_UNREACHABLE', {
    message: `EC2 does not answer: ${why}`,
    hint: 'See that this computer reaches the endpoint (network, proxy, firewall), and --amazonec2-endpoint if you gave one.',
    cause: error,
  });
}
