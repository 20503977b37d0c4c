import { invalid } from './api-error.ts';
import type { Kind, Resource, Tags } from './cloud.ts';
import type { Query } from './query.ts';
import type { Node } from './xml.ts';

/** `TagSpecification.N` of one resource type. */
export function tagsFor(query: Query, kind: Kind): Tags {
  const pairs = query
    .items('TagSpecification')
    .filter((spec) => spec.text('ResourceType') === kind)
    .flatMap((spec) => spec.items('Tag').map((tag) => [tag.text('Key'), tag.text('Value')] as const));
  for (const [key] of pairs)
    if (key.startsWith('aws:')) throw invalid(`Tag keys starting with 'aws:' are reserved`);
  return Object.fromEntries(pairs);
}

export const tagSet = (tags: Tags): Node => Object.entries(tags).map(([key, value]) => ({ key, value }));

/** What a filter may ask for, by its name; tags come by themselves. */
export type Fields = Readonly<Record<string, readonly (string | undefined)[]>>;

function matches(pattern: string, value: string): boolean {
  const shape = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${shape}$`, 's').test(value);
}

/**
 * Values of one filter are alternatives, and filters must all hold.
 * A filter that the kind does not have is refused, as EC2 does.
 */
export function filtered<T extends Pick<Resource, 'tags'>>(
  resources: readonly T[],
  query: Query,
  fieldsOf: (resource: T) => Fields,
): T[] {
  const filters = query
    .items('Filter')
    .map((each) => ({ name: each.text('Name'), values: each.list('Value') }));
  return resources.filter((resource) => {
    const fields = fieldsOf(resource);
    return filters.every(({ name, values }) => {
      const found = name.startsWith('tag:')
        ? [resource.tags[name.slice(4)]]
        : name === 'tag-key'
          ? Object.keys(resource.tags)
          : fields[name];
      if (found === undefined) throw invalid(`The filter '${name}' is invalid`);
      return found.some((value) => value !== undefined && values.some((pattern) => matches(pattern, value)));
    });
  });
}

/** One page of a list, with the token of the next. */
export function page<T>(
  all: readonly T[],
  query: Query,
  limit: number,
): { items: readonly T[]; nextToken?: string } {
  const start = query.has('NextToken')
    ? Number(Buffer.from(query.text('NextToken'), 'base64url').toString())
    : 0;
  if (!Number.isInteger(start)) throw invalid('The token is not valid');
  const size = Math.min(query.number('MaxResults') ?? limit, limit);
  const items = all.slice(start, start + size);
  const end = start + items.length;
  return end < all.length ? { items, nextToken: Buffer.from(String(end)).toString('base64url') } : { items };
}
