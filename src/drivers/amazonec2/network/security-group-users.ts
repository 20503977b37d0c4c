import type { Instance } from '@aws-sdk/client-ec2';
import type { Ec2Api } from '../api/api.ts';
import { findInstances } from '../api/find-instances.ts';
import { ID_TAG, tagOf } from '../context.ts';

/** A filter takes no more values. */
const MOST_VALUES = 200;

const groupsOf = ({ SecurityGroups = [], NetworkInterfaces = [] }: Instance): readonly string[] =>
  [...SecurityGroups, ...NetworkInterfaces.flatMap(({ Groups = [] }) => Groups)].flatMap(
    ({ GroupId }) => GroupId ?? [],
  );

/**
 * Which of the groups an instance is in that is not the machine's own, as far as `owner` tells whose a group is: its tags
 * name the machine that it was made for first, and others may have joined since.
 */
export async function usedByOthers(
  api: Ec2Api,
  groups: readonly string[],
  owner: (groupId: string) => string,
): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for (let at = 0; at < groups.length; at += MOST_VALUES) {
    const Values = groups.slice(at, at + MOST_VALUES);
    for (const instance of await findInstances(api, { Name: 'instance.group-id', Values }))
      for (const id of groupsOf(instance)) if (tagOf(instance.Tags, ID_TAG) !== owner(id)) used.add(id);
  }
  return used;
}
