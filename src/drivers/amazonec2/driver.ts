import { DRIVER_API, type Driver } from '../../sdk/driver.ts';
import { configureEc2, type Ec2Config } from './config.ts';
import { ENGINE_PORT } from './context.ts';
import { amazonec2Flags } from './flags.ts';

/** Instances of Amazon EC2. */
export const amazonec2Driver: Driver<Ec2Config> = {
  api: DRIVER_API,
  name: 'amazonec2',
  summary: 'an instance of Amazon EC2',
  flags: amazonec2Flags,
  environment: [
    {
      name: 'AWS_REGION',
      meaning: 'Region of machines, after AWS_DEFAULT_REGION and before the profile',
    },
    {
      name: 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
      meaning: 'With true, the AWS SDK warns of no old version of Node',
      preset: 'true',
    },
  ],
  traits: {
    ssh: true,
    provision: true,
    adopted: false,
    // In a record of docker-machine the host made its own key.
    hostKey: ({ LastAskedAt }) => (LastAskedAt === undefined ? 'first-use' : 'launch-data'),
    enginePort: ({ SSHOnly }) => (SSHOnly === true ? 0 : ENGINE_PORT),
    sans: ({ PrivateIPAddress }) => (PrivateIPAddress === '' ? [] : [PrivateIPAddress]),
    restartsLater: true,
  },
  // It costs money, so it is never chosen unasked. Credentials are looked for when it is used.
  availability: async () => ({ works: true, score: 0, how: 'needs an AWS account' }),
  configure: configureEc2,
  load: async () => (await import('./host.ts')).host,
};
