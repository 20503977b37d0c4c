import { type ErrorMeaning, errorsOf, isMachineError, type MachineError } from '../../base/machine-error.ts';

export const ec2Errors = {
  MM_EC2_CREDENTIALS: { summary: 'No AWS credentials were found, or AWS does not know those that were.' },
  MM_EC2_EXPIRED: { summary: 'The AWS session token has expired.' },
  MM_EC2_CLOCK: { summary: "This computer's clock differs too much from that of AWS." },
  MM_EC2_PERMISSION: { summary: 'The AWS account may not do what is needed.', isRefusal: true },
  MM_EC2_REGION: {
    summary: 'There is no such AWS region, or the account has not opted in to it.',
    isRefusal: true,
  },
  MM_EC2_UNREACHABLE: { summary: 'The EC2 endpoint does not answer.' },
  MM_EC2_FAILED: { summary: 'EC2 itself failed, or what answers in its place is not EC2.' },
  MM_EC2_THROTTLED: { summary: 'AWS refused too many calls in too short a time.' },
  MM_EC2_QUOTA: {
    summary: "The account's quota does not allow another instance, group or key.",
    isRefusal: true,
  },
  MM_EC2_CAPACITY: {
    summary: 'AWS has no room for such an instance in the zones that were tried.',
    isRefusal: true,
  },
  MM_EC2_IMAGE: {
    summary: 'The machine image does not exist or does not fit the instance type.',
    isRefusal: true,
  },
  MM_EC2_INSTANCE_TYPE: { summary: 'The instance type does not exist there.', isRefusal: true },
  MM_EC2_NETWORK: { summary: 'The VPC, zone or subnet does not exist or cannot be used.', isRefusal: true },
  MM_EC2_SECURITY_GROUP: { summary: 'The security group cannot be used.', isRefusal: true },
  MM_EC2_KEY_PAIR: { summary: 'The key pair or its private key cannot be used.', isRefusal: true },
  MM_EC2_USER_DATA: { summary: 'The file with user data cannot be read or used.', isRefusal: true },
  MM_EC2_CALLER_ADDRESS: {
    summary: "This computer's public address, which the machine is to be opened to, is not known.",
    isRefusal: true,
  },
  MM_EC2_GONE: { summary: "The machine's instance does not exist any more." },
  MM_EC2_STATE: { summary: 'The instance did not get into the wanted state.' },
  MM_EC2_REFUSED: { summary: 'EC2 refused a call; the message holds its code.', isRefusal: true },
} as const satisfies Readonly<Record<string, ErrorMeaning>>;

export const ec2Error = errorsOf(ec2Errors);

const REFUSALS: ReadonlySet<string> = new Set(
  Object.entries<ErrorMeaning>(ec2Errors).flatMap(([id, { isRefusal }]) => (isRefusal === true ? id : [])),
);

/**
 * Whether EC2 would answer so again, however often it is asked. Nothing came of the call then.
 * New credentials, or a clock that is set right, are a reason to go on.
 */
export const isRefusal = (error: unknown): error is MachineError =>
  isMachineError(error) && REFUSALS.has(error.code);
