import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { listen } from '../listen.ts';
import { testPorts } from '../ports.ts';
import { removeTestbed, testbedFolder } from '../testbed.ts';
import type { Action } from './actions/call.ts';
import { catalogueActions } from './actions/catalogue-actions.ts';
import { groups } from './actions/groups.ts';
import { instanceActions } from './actions/instance-actions.ts';
import { keys } from './actions/keys.ts';
import { Launches } from './actions/run-instances.ts';
import { ApiError } from './api-error.ts';
import { Cloud } from './cloud.ts';
import { Fleet } from './instances.ts';
import { Query } from './query.ts';
import { checkSignature } from './signature.ts';
import { answerXml, errorXml } from './xml.ts';

/** One call, in the order of their coming. */
export interface CallRecord {
  readonly number: number;
  readonly action: string;
  readonly dryRun: boolean;
  /** The access key that signed it. */
  readonly accessKey: string;
  /** Its parameters, for tests that look for what must not be there. */
  readonly body: string;
  outcome: string;
}

/** Told of each call before it has an effect, and after it, before it is answered. */
export type Watcher = (moment: 'before' | 'after', call: CallRecord) => void | Promise<void>;

export interface Ec2Server {
  readonly url: string;
  readonly cloud: Cloud;
  readonly fleet: Fleet;
  readonly calls: CallRecord[];
  watch(watcher: Watcher | undefined): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  /** Missing where something else than EC2 answers. */
  readonly requestId?: string;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/** Calls that DryRun stops before they do something; RunInstances looks at its parameters first. */
const CHANGES = /^(?:Import|Create|Authorize|Delete|Terminate|Start|Stop|Reboot|Cancel)/;

/**
 * A cloud of its own behind an HTTP server that speaks the EC2 Query protocol.
 * With `hosts` each instance is a real machine of this computer (root, Linux).
 * Otherwise it is a record alone. Resources are seen by the time that `now` gives.
 */
export async function startEc2(options: {
  readonly hosts: boolean;
  readonly now?: () => number;
}): Promise<Ec2Server> {
  const cloud = new Cloud(options.now);
  const fleet = new Fleet(cloud);
  const launches = new Launches();
  const actions: Readonly<Record<string, Action>> = {
    ...catalogueActions,
    ...keys,
    ...groups,
    ...instanceActions,
    RunInstances: launches.run,
  };
  const storeDir = options.hosts ? await testbedFolder() : undefined;
  const calls: CallRecord[] = [];
  let watcher: Watcher | undefined;

  async function answer(request: IncomingMessage, body: string, record: CallRecord, requestId: string) {
    const { behaviour } = cloud;
    const query = Query.parse(body);
    const region = checkSignature(request);
    const refusal = behaviour.refuse[record.action] ?? behaviour.refuse['*'];
    if (refusal !== undefined && !(record.dryRun && refusal.butNotDryRuns === true))
      throw new ApiError(refusal.code, refusal.message, refusal.status, refusal.page);
    if (behaviour.throttleEvery > 0 && record.number % behaviour.throttleEvery === 0)
      throw new ApiError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    if (behaviour.refuseTagsOf.includes(record.action) && query.items('TagSpecification').length > 0)
      throw new ApiError('UnauthorizedOperation', 'not authorized to perform: ec2:CreateTags', 403);
    const action = Object.hasOwn(actions, record.action) ? actions[record.action] : undefined;
    if (action === undefined)
      throw new ApiError('InvalidAction', `The action ${record.action} is not valid for this web service.`);
    if (record.dryRun && CHANGES.test(record.action))
      throw new ApiError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
    return answerXml(record.action, requestId, await action({ query, cloud, fleet, region, storeDir }));
  }

  async function handle(request: IncomingMessage): Promise<Answer> {
    const requestId = randomUUID();
    const body = await bodyOf(request);
    const query = Query.parse(body);
    const accessKey = /Credential=([^/]*)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const record: CallRecord = {
      number: calls.length + 1,
      action: query.text('Action'),
      dryRun: query.bool('DryRun'),
      accessKey,
      body,
      outcome: 'open',
    };
    calls.push(record);
    await watcher?.('before', record);
    let result: Answer = { status: 200, text: '', requestId };
    try {
      result = { ...result, text: await answer(request, body, record, requestId) };
      record.outcome = 'ok';
    } catch (error) {
      const known =
        error instanceof ApiError
          ? error
          : new ApiError('InternalError', String((error as Error).stack), 500);
      record.outcome = known.code;
      result =
        known.page === undefined
          ? { status: known.status, text: errorXml(known.code, known.message, requestId), requestId }
          : { status: known.status, text: known.page };
    }
    await watcher?.('after', record);
    return result;
  }

  const server: Server = createServer((request, response) => {
    handle(request).then(
      ({ status, text, requestId }) => {
        response.writeHead(
          status,
          requestId === undefined
            ? { 'content-type': pageType(text) }
            : { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
        );
        response.end(text);
      },
      () => response.destroy(),
    );
  });
  const { port, close } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    cloud,
    fleet,
    calls,
    watch: (next) => {
      watcher = next;
    },
    close: async () => {
      await close();
      await fleet.settled();
      if (storeDir !== undefined) await removeTestbed(testPorts(), storeDir);
    },
  };
}

/** Of a page that something else answers with. */
function pageType(text: string): string {
  if (text.startsWith('{')) return 'application/json';
  if (text.startsWith('<?xml')) return 'application/xml';
  return text === '' || text.startsWith('<') ? 'text/html' : 'text/plain';
}
