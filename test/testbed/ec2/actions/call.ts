import type { Cloud } from '../cloud.ts';
import type { Fleet } from '../instances.ts';
import type { Query } from '../query.ts';
import type { Node } from '../xml.ts';

/** One call, as an action gets to see it. */
export interface Call {
  readonly query: Query;
  readonly cloud: Cloud;
  readonly fleet: Fleet;
  /** Of the signature. */
  readonly region: string;
  /** Where the hosts' files are; undefined when instances have no host. */
  readonly storeDir: string | undefined;
}

/** What goes into `<ActionResponse>` behind the request's id. */
export type Action = (
  call: Call,
) => { readonly [key: string]: Node } | Promise<{ readonly [key: string]: Node }>;

/** The answer of an action that has nothing to say. */
export const DONE = { return: true } as const;
