import { isMachineError, type MachineError } from '../../../base/machine-error.ts';
import { printable } from '../../../base/printable.ts';
import type { Ec2Config } from '../config.ts';
import { ec2Error, type ec2Errors } from '../errors.ts';

type Id = keyof typeof ec2Errors;

export interface Situation {
  readonly region: string;
  readonly config: Pick<Ec2Config, 'Endpoint' | 'Profile'>;
  /** The credentials are temporary. */
  readonly isTemporary: boolean;
  /** Milliseconds since the epoch, by this computer. */
  readonly now: number;
  /** The call that failed, such as RunInstances. '' when it is not known. */
  readonly call: string;
}

interface Meaning {
  /** Parted by blanks, as in "Error codes for the Amazon EC2 API". */
  readonly codes: string;
  /** REGION stands for the region. */
  readonly hint: string;
}

const MEANINGS = {
  MM_EC2_CREDENTIALS: {
    codes:
      'AuthFailure InvalidClientTokenId SignatureDoesNotMatch MissingAuthenticationToken ' +
      'IncompleteSignature InvalidAccessKeyId CredentialsProviderError',
    hint: 'Give keys that are valid, by --amazonec2-access-key and --amazonec2-secret-key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile (--amazonec2-profile).',
  },
  MM_EC2_PERMISSION: {
    codes:
      'Blocked OptInRequired PendingVerification UnauthorizedOperation AccessDenied AccessDeniedException',
    hint: 'Have the policy in docs/drivers/amazonec2.md attached to the user or role; "create --dry-run" shows whether it suffices.',
  },
  MM_EC2_EXPIRED: {
    codes: 'ExpiredToken ExpiredTokenException TokenRefreshRequired',
    hint: 'Get a new session token, for instance with "aws sso login", and run the same command again.',
  },
  MM_EC2_CLOCK: {
    codes: 'RequestExpired RequestInTheFuture RequestTimeTooSkewed',
    hint: "Set this computer's clock (timedatectl set-ntp true), then run the same command again.",
  },
  MM_EC2_THROTTLED: {
    codes: 'RequestLimitExceeded Throttling ThrottlingException EC2ThrottledException',
    hint: 'Wait a minute and run the same command again, or allow more attempts with --amazonec2-retries.',
  },
  MM_EC2_QUOTA: {
    codes:
      'InstanceLimitExceeded VcpuLimitExceeded MaxSpotInstanceCountExceeded VolumeLimitExceeded ' +
      'AddressLimitExceeded KeyPairLimitExceeded ResourceLimitExceeded SecurityGroupLimitExceeded ' +
      'SecurityGroupsPerInstanceLimitExceeded RulesPerSecurityGroupLimitExceeded',
    hint: 'Remove what is not used in REGION, or ask for more in the Service Quotas console.',
  },
  MM_EC2_CAPACITY: {
    codes: 'InsufficientInstanceCapacity InsufficientHostCapacity InsufficientCapacity SpotMaxPriceTooLow',
    hint: 'Try another type (--amazonec2-instance-type), another zone or region, or the same later.',
  },
  MM_EC2_IMAGE: {
    codes: 'InvalidAMIID.NotFound InvalidAMIID.Malformed InvalidAMIID.Unavailable',
    hint: 'Give an image of REGION with --amazonec2-ami, or leave it out to get the newest of --amazonec2-image.',
  },
  MM_EC2_INSTANCE_TYPE: {
    codes: 'InvalidInstanceType Unsupported InstanceCreditSpecification_NotSupported',
    hint: 'See what REGION has with "aws ec2 describe-instance-type-offerings --region REGION".',
  },
  MM_EC2_NETWORK: {
    codes:
      'InvalidAvailabilityZone InvalidVpcID.NotFound InvalidVpcID.Malformed InvalidSubnetID.NotFound ' +
      'InvalidSubnetID.Malformed InvalidSubnet.Range InvalidSubnet InsufficientFreeAddressesInSubnet ' +
      'VPCIdNotSpecified DefaultVpcDoesNotExist',
    hint: 'Name a subnet with --amazonec2-subnet-id; its VPC and zone follow from it.',
  },
  MM_EC2_SECURITY_GROUP: {
    codes:
      'InvalidGroup.NotFound InvalidGroupId.Malformed InvalidSecurityGroupID.NotFound InvalidGroup.Duplicate',
    hint: 'Name another with --amazonec2-security-group, or leave that out to get one of its own.',
  },
  MM_EC2_KEY_PAIR: {
    codes: 'InvalidKeyPair.NotFound InvalidKeyPair.Duplicate InvalidKey.Format',
    hint: 'Name another with --amazonec2-keypair-name, or leave that out to get one of its own.',
  },
  MM_EC2_STATE: {
    // The token of this launch stands for one that differs, and that may have launched.
    codes: 'IdempotentParameterMismatch IdempotentInstanceTerminated',
    hint: 'See the instances in the EC2 console; "mymachine rm" removes those of the machine.',
  },
  MM_EC2_GONE: {
    codes: 'InvalidInstanceID.NotFound',
    hint: 'Somebody else terminated it. "mymachine rm" removes what is left of the machine.',
  },
} as const satisfies Partial<Record<Id, Meaning>>;

type KnownId = keyof typeof MEANINGS;

const ASK_AWS = 'AWS has not released the account for this: its mails and the EC2 console say what for.';

/** Codes that have a remedy of their own. */
const REMEDIES: Readonly<Record<string, string>> = {
  PendingVerification: 'AWS looks at new accounts for some hours, and sends a mail. Then run it again.',
  OptInRequired: ASK_AWS,
  Blocked: ASK_AWS,
};

/** The code that EC2 or the SDK gives a failure, or that of the socket. */
export function awsCodeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { name, Code, code } = error as { name?: unknown; Code?: unknown; code?: unknown };
  const words = [Code, name === 'Error' ? undefined : name, code, name];
  return words.find((word): word is string => typeof word === 'string' && word !== '') ?? '';
}

/** Whether one of our errors is EC2's refusal with one of the codes. */
export const isRefusedWith = (error: unknown, codes: readonly string[]): boolean =>
  isMachineError(error) && codes.includes(awsCodeOf(error.cause));

/** Whether one of our errors says that EC2 does not know what it was asked about. */
export const isNotFound = (error: unknown): boolean =>
  isMachineError(error) && awsCodeOf(error.cause).endsWith('NotFound');

/** What a call gives, or undefined where EC2 does not know what it is about. */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Whether another subnet may do: zones differ in room and types, subnets in free addresses. */
export const isOfSubnet = (error: unknown): boolean =>
  isMachineError(error, 'MM_EC2_CAPACITY') ||
  isRefusedWith(error, ['Unsupported', 'InsufficientFreeAddressesInSubnet']);

/** Whether the server has no such call. Servers of this API other than Amazon's have fewer. */
export const isUnknownCall = (error: unknown): boolean =>
  isRefusedWith(error, ['InvalidAction', 'UnsupportedOperation', 'NotImplemented']);

function isNetwork(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return (
    /^(?:E[A-Z_]+|UND_ERR_.*)$/.test(String(code ?? '')) ||
    name === 'TimeoutError' ||
    name === 'AggregateError'
  );
}

const SKEW_MS = 4 * 60_000;

/** Whether our clock differs from the date of the server's answer. undefined without a date. */
function isSkewed(error: unknown, now: number): boolean | undefined {
  const { $response } = error as { $response?: { headers?: Record<string, string> } };
  const date = Date.parse($response?.headers?.['date'] ?? '');
  return Number.isNaN(date) ? undefined : Math.abs(date - now) > SKEW_MS;
}

function idOf(error: unknown, code: string, why: string, situation: Situation): KnownId | undefined {
  const skewed = isSkewed(error, situation.now);
  // Said of a session token that is over, and of a clock that is wrong.
  if (code === 'RequestExpired' && situation.isTemporary && skewed === false) return 'MM_EC2_EXPIRED';
  if (code === 'AuthFailure' && /not authorized for images/i.test(why)) return 'MM_EC2_IMAGE';
  // Said of wrong keys and of a wrong clock: "Signature expired: … is now earlier than …".
  const isUnverified = code === 'AuthFailure' || code === 'SignatureDoesNotMatch';
  if (isUnverified && (skewed === true || /signature (?:expired|not yet current)/i.test(why)))
    return 'MM_EC2_CLOCK';
  const ids = Object.keys(MEANINGS) as KnownId[];
  return ids.find((id) => MEANINGS[id].codes.split(' ').includes(code));
}

/** What a failure of the SDK means for the user. */
export function ec2Failure(cause: unknown, situation: Situation): MachineError {
  const code = awsCodeOf(cause);
  const what = situation.call === '' ? code : `${code} of ${situation.call}`;
  const why = printable(cause instanceof Error ? cause.message : String(cause), 300).trim();
  const profile = situation.config.Profile ?? '';
  const login = `"aws sso login${profile === '' ? '' : ` --profile ${profile}`}"`;
  if (!('$metadata' in Object(cause)) && /\bsso\b/i.test(why))
    return ec2Error('MM_EC2_EXPIRED', { message: why, hint: `Log in again with ${login}.`, cause });
  if (profile !== '' && /using profile: \[/.test(why)) {
    return ec2Error('MM_EC2_CREDENTIALS', {
      message: why,
      hint: `The profile "${printable(profile, 60)}" is not there, or holds no keys; "aws configure list-profiles" shows which are.`,
      cause,
    });
  }
  const known = idOf(cause, code, why, situation);
  if (known !== undefined) {
    const hint = REMEDIES[code] ?? MEANINGS[known].hint.replaceAll('REGION', situation.region);
    return ec2Error(known, { message: `${what}: ${why}`, hint, cause });
  }
  if (isNetwork(cause)) return unreachable(cause, why, situation);
  // The SDK's own words: "Could not load credentials from any providers", and the like.
  if (/credentials|sso session|sso token/i.test(why) && !('$metadata' in (cause as object)))
    return ec2Error('MM_EC2_CREDENTIALS', { message: why, hint: MEANINGS.MM_EC2_CREDENTIALS.hint, cause });
  const { httpStatusCode = 0, requestId } =
    (cause as { $metadata?: { httpStatusCode?: number; requestId?: string } }).$metadata ?? {};
  // EC2 gives each of its errors a code. These words are the SDK's, for an answer without one.
  if (httpStatusCode > 0 && /^(?:Unknown|UnknownError|Error|SyntaxError)?$/.test(code))
    return notEc2(situation, `HTTP status ${httpStatusCode}`, cause);
  const request = requestId === undefined ? '' : ` (request ${printable(requestId, 60)})`;
  if (httpStatusCode >= 500) {
    return ec2Error('MM_EC2_FAILED', {
      message: `EC2 failed with ${what}: ${why}${request}`,
      hint: 'Try again later; https://health.aws.amazon.com/health/status shows whether AWS knows of it.',
      cause,
    });
  }
  return ec2Error('MM_EC2_REFUSED', {
    message: `${what}: ${why}${request}`,
    hint: 'The code is explained in "Error codes for the Amazon EC2 API".',
    cause,
  });
}

/** A proxy, a captive portal, or another server than that of EC2's API. */
export function notEc2(
  { region, config }: Pick<Situation, 'region' | 'config'>,
  what: string,
  cause?: unknown,
): MachineError {
  const endpoint = config.Endpoint || `https://ec2.${region}.amazonaws.com`;
  return ec2Error('MM_EC2_FAILED', {
    message: `What answers at ${endpoint} is not EC2: ${what}, and no answer of EC2's`,
    hint: 'See what is on the way there (a proxy, a captive portal), and --amazonec2-endpoint if you gave one.',
    cause,
  });
}

function unreachable(cause: unknown, why: string, { region, config }: Situation): MachineError {
  const isUnknownName = /^(?:ENOTFOUND|EAI_AGAIN)$/.test(awsCodeOf(cause));
  // The endpoint's name holds the region, so one that does not exist has no address.
  if (isUnknownName && config.Endpoint === '') {
    return ec2Error('MM_EC2_REGION', {
      message: `There is no EC2 endpoint for the region "${region}", or no name service here: ${why}`,
      hint: 'See the regions of your account with "aws account list-regions".',
      cause,
    });
  }
  return ec2Error('MM_EC2_UNREACHABLE', {
    message: `EC2 does not answer: ${why}`,
    hint: 'See that this computer reaches the endpoint (network, proxy, firewall), and --amazonec2-endpoint if you gave one.',
    cause,
  });
}
