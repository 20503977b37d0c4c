import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { EC2Client, type EC2ClientConfig } from '@aws-sdk/client-ec2';
import { isMachineError } from '../../../base/machine-error.ts';
import { printable } from '../../../base/printable.ts';
import { retry } from '../../../base/wait.ts';
import { type Ec2Config, endpointUrl } from '../config.ts';
import type { Ec2Context } from '../context.ts';
import { ec2Error } from '../errors.ts';
import { givenCredentials } from './credentials.ts';
import { awsCodeOf, ec2Failure, isRefusedWith, notEc2, type Situation } from './failures.ts';

/** The way to EC2 in one region. Every failure that leaves it is one of ours. */
export interface Ec2Api {
  readonly region: string;
  /** Sends calls. The SDK repeats those that are throttled or broken, within its bounds. */
  ask<T>(work: (client: EC2Client) => Promise<T>): Promise<T>;
  /** The same about what EC2 may not show yet. A refusal with one of the codes is asked again. */
  askUntilSeen<T>(codes: readonly string[], work: (client: EC2Client) => Promise<T>): Promise<T>;
  /** What the environment or the profile has for an endpoint, once something was asked; or ''. */
  foundEndpoint(): string;
  /** Throws what EC2 would refuse the call with. The work sets DryRun. */
  rehearse(work: (client: EC2Client) => Promise<unknown>): Promise<void>;
}

const DEFAULT_REGION = 'us-east-1';
const CONNECT_MS = 10_000;
/** Of one attempt, until the answer begins. */
const REQUEST_MS = 30_000;
/** EC2's eventual consistency is a matter of seconds. */
const UNSEEN_MS = 60_000;

/** Milliseconds from 500 doubled up to 5000, and spread, so that a fleet does not ask in step. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const longest = Math.min(5000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(longest * (0.5 + random() / 2));
}

/** Everything that a paged question gives. */
export function everyPage<P, R>(
  api: Ec2Api,
  pages: (client: EC2Client) => AsyncIterable<P>,
  of: (page: P) => readonly R[] | undefined,
): Promise<R[]> {
  return api.ask(async (client) => {
    const found: R[] = [];
    for await (const page of pages(client)) found.push(...(of(page) ?? []));
    return found;
  });
}

/** Opens a way to EC2 for the time of some work. */
export async function withApi<T>(context: Ec2Context, work: (api: Ec2Api) => Promise<T>): Promise<T> {
  const { clock, config, signal } = context;
  const region = await regionOf(context);
  const client = new EC2Client(await clientConfig(context, region));
  const failed = logCalls(client, context);
  heedInterruptions(client, signal);
  const asked = refuseStrangers(client, { region, config });
  const ask: Ec2Api['ask'] = async (call) => {
    try {
      return await call(client);
    } catch (error) {
      if (isMachineError(error) || (signal.aborted && error === signal.reason)) throw error;
      const isTemporary = await client.config.credentials().then(
        ({ sessionToken }) => sessionToken !== undefined,
        () => false,
      );
      const call = failed.get(Object(error)) ?? '';
      throw ec2Failure(error, { region, config, isTemporary, now: clock.now(), call });
    }
  };
  const askUntilSeen: Ec2Api['askUntilSeen'] = (codes, call) => {
    const isUnseen = (error: unknown) => isRefusedWith(error, codes);
    return retry(() => ask(call), isUnseen, { clock, signal, timeoutMs: UNSEEN_MS, intervalMs: backoffMs });
  };
  const rehearse: Ec2Api['rehearse'] = async (call) => {
    try {
      await ask(call);
    } catch (error) {
      if (!isRefusedWith(error, ['DryRunOperation'])) throw error;
    }
  };
  try {
    return await work({ region, ask, askUntilSeen, rehearse, foundEndpoint: () => ownEndpoint(asked) });
  } finally {
    client.destroy();
  }
}

/** The region that was named, else that of the environment or the profile, as the SDK finds it. */
async function regionOf(context: Ec2Context): Promise<string> {
  const named = context.config.Region;
  if (named !== '') return named;
  const probe = new EC2Client(await clientConfig(context, ''));
  try {
    return await probe.config.region();
  } catch {
    return DEFAULT_REGION;
  } finally {
    probe.destroy();
  }
}

async function clientConfig(context: Ec2Context, region: string): Promise<EC2ClientConfig> {
  const { config } = context;
  const credentials = await givenCredentials(context);
  return {
    // docker-machine's -1: none.
    maxAttempts: Math.max(0, config.RetryCount ?? 5) + 1,
    retryMode: 'standard',
    // Without being told to throw, the SDK warns of the time that is over and waits on.
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS,
      throwOnRequestTimeout: true,
    },
    ...(region === '' ? {} : { region }),
    ...(config.Endpoint ? { endpoint: endpointOf(config) } : {}),
    ...(config.Profile ? { profile: config.Profile } : {}),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

/** docker-machine kept the endpoint as it was given, without a scheme. */
function endpointOf({ Endpoint, DisableSSL }: Readonly<Ec2Config>): string {
  const url = endpointUrl(Endpoint, DisableSSL);
  if (url !== undefined) return url;
  throw ec2Error('MM_EC2_UNREACHABLE', {
    message: `The machine's record has an endpoint that is no URL: ${Endpoint.slice(0, 100)}`,
    hint: 'Mend "Endpoint" in its config.json.',
  });
}

/** Where the last call went. */
interface Asked {
  url: URL | undefined;
}

interface HttpQuestion {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
}

interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** How EC2 and servers of its API begin: `<DescribeInstancesResponse xmlns=…>`. */
const EC2_ANSWER = /^\s*(?:<\?xml[^>]*>\s*)?<\w+Response[\s/>]/;

/** Inside of the SDK's retries, so that each attempt passes. */
const EACH_ATTEMPT = { step: 'finalizeRequest', priority: 'low' } as const;

/**
 * Notes each call in the debug log, with the id that EC2's support would ask for.
 * Nothing of what was sent is noted. Gives the names of calls by what they failed with.
 */
function logCalls(client: EC2Client, { report, clock }: Ec2Context): WeakMap<object, string> {
  const failed = new WeakMap<object, string>();
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const begin = clock.now();
        const name = commandName?.replace(/Command$/, '') ?? '';
        const note = (outcome: string) =>
          report.debug('ec2', `${name}: ${outcome} (${clock.now() - begin} ms)`);
        try {
          const result = await next(args);
          note(`ok, request ${result.output.$metadata?.requestId ?? '?'}`);
          return result;
        } catch (error) {
          note(awsCodeOf(error));
          if (typeof error === 'object' && error !== null) failed.set(error, name);
          throw error;
        }
      },
    { ...EACH_ATTEMPT, name: 'mymachineLog' },
  );
  return failed;
}

/**
 * A page that something else answers with is read by the SDK as an answer without anything in it.
 * To `rm` that would mean that nothing is there. Gives where calls go.
 */
function refuseStrangers(client: EC2Client, place: Pick<Situation, 'region' | 'config'>): Asked {
  const asked: Asked = { url: undefined };
  client.middlewareStack.add(
    (next) => async (args) => {
      const { protocol, hostname, port, path } = args.request as HttpQuestion;
      asked.url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
      const result = await next(args);
      const answer = result.response as HttpAnswer;
      if (answer.statusCode !== 200) return result;
      const body = await buffer(answer.body);
      // The SDK takes the bytes in place of the stream that had them.
      Object.assign(answer, { body });
      if (EC2_ANSWER.test(body.toString('latin1', 0, 1000))) return result;
      const type = answer.headers['content-type'] ?? '';
      throw notEc2(
        place,
        body.length === 0 ? 'an empty answer' : `an answer of the type ${printable(type, 60) || 'none'}`,
      );
    },
    { step: 'deserialize', priority: 'low', name: 'mymachineStrangers' },
  );
  return asked;
}

/** Amazon's own endpoints, whatever the partition. */
const AMAZONS = /^ec2(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.[a-z.]+|api\.[a-z.]*aws)$/;

const ownEndpoint = ({ url }: Asked): string =>
  url === undefined || AMAZONS.test(url.hostname) ? '' : url.href.replace(/\/$/, '');

/**
 * The user's interruption ends a question at once, with the signal's reason.
 * No other attempt begins.
 * A change that has been sent is waited for, since what came of it must be written down.
 */
function heedInterruptions(client: EC2Client, signal: AbortSignal): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        signal.throwIfAborted();
        if (!commandName.startsWith('Describe')) return next(args);
        const answered = new AbortController();
        const interrupted = once(signal, 'abort', { signal: answered.signal });
        try {
          return await Promise.race([next(args), interrupted.then(() => Promise.reject(signal.reason))]);
        } finally {
          answered.abort();
        }
      },
    { ...EACH_ATTEMPT, name: 'mymachineInterruption' },
  );
}
