import { keepOrMakeKey } from '../../sdk/guest.ts';
import { withApi } from './api/api.ts';
import { type Ec2Context, machineFiles, resourceName } from './context.ts';
import { addressesWhenUp } from './instance/instance.ts';
import { importKey, keepPrivateKey } from './instance/key-pair.ts';
import { launch } from './instance/launch.ts';
import { ensureGroups, warnOfOpenDoors } from './network/security-group.ts';
import { makePlan } from './plan.ts';

/** Makes the machine in steps, each of which can be cut off and run again. */
export async function createInstance(context: Ec2Context): Promise<void> {
  const { machine } = context;
  await context.step('ec2.plan', 'Choosing image and network...', () =>
    withApi(context, async (api) => {
      const plan = await makePlan(api, context.config);
      return {
        StoreId: await context.storeId(),
        Region: plan.region,
        AMI: plan.imageId,
        DeviceName: plan.rootDevice,
        VpcId: plan.vpcId,
        Subnets: plan.subnets.map(({ id }) => id),
        SubnetCidrs: plan.subnets[0]?.cidrs ?? [],
      };
    }),
  );
  await context.step('ec2.key', 'Creating SSH keys...', async () => {
    await keepOrMakeKey(machineFiles(machine.dir).hostKey, machine.name);
    return { SSHKeyPath: await keepPrivateKey(context) };
  });
  if (!context.config.ExistingKey) {
    await context.step('ec2.keypair', 'Importing the SSH key...', async () => {
      await noteRequest(context);
      const KeyPairId = await withApi(context, (api) => importKey(api, context));
      return { KeyPairId, KeyName: resourceName(context) };
    });
  }
  warnOfOpenDoors(context);
  await context.step('ec2.group', 'Seeing to the security group...', async () => {
    await noteRequest(context);
    return withApi(context, (api) => ensureGroups(api, context));
  });
  await context.step('ec2.launch', 'Launching instance...', () =>
    withApi(context, (api) => launch(api, context)),
  );
  await context.step('ec2.wait', 'Waiting for the instance to run...', () =>
    withApi(context, (api) => addressesWhenUp(api, context)),
  );
}

/** From here on EC2 may have made something that it did not tell us of, or does not show yet. */
async function noteRequest(context: Ec2Context): Promise<void> {
  await context.save({ LastAskedAt: context.clock.now() });
}
