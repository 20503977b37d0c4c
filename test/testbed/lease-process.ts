/** A process of its own that leases one address: `node lease-process.js STORE MACHINE-ID`. Prints the address. */
import { leaseAddress } from '../../src/drivers/nspawn/network/leases.ts';
import { testPorts } from './ports.ts';

const [, , storeDir = '', machineId = ''] = process.argv;
const lease = await leaseAddress(testPorts(), storeDir, machineId, '');
process.stdout.write(`${lease.address}\n`);
