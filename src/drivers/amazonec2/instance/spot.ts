import {
  CancelSpotInstanceRequestsCommand,
  paginateDescribeSpotInstanceRequests,
  type SpotInstanceRequest,
} from '@aws-sdk/client-ec2';
import { type Ec2Api, everyPage } from '../api/api.ts';
import { isNotFound, isUnknownCall } from '../api/failures.ts';

/** Of the states of a request, those in which it has an instance or will launch one (DescribeSpotInstanceRequests). */
const LIVING = ['open', 'active', 'disabled'];

/**
 * Requests for spot instances that still count. A persistent one outlives its instance and launches the next, so it has to be
 * found by itself. A server that does not know the call has no such requests.
 */
export async function findSpotRequests(
  api: Ec2Api,
  filter: { Name: string; Values: string[] },
): Promise<readonly SpotInstanceRequest[]> {
  const Filters = [filter, { Name: 'state', Values: LIVING }];
  try {
    return await everyPage(
      api,
      (client) => paginateDescribeSpotInstanceRequests({ client }, { Filters }),
      ({ SpotInstanceRequests }) => SpotInstanceRequests,
    );
  } catch (error) {
    if (isUnknownCall(error)) return [];
    throw error;
  }
}

export async function cancelSpot(api: Ec2Api, id: string): Promise<void> {
  await api
    .ask((ec2) => ec2.send(new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] })))
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
}
