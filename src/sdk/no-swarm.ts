import type { BaseConfig } from './driver.ts';

/** docker-machine's drivers that adopt a host never look at the options of legacy Swarm, which stand in HostOptions alone. */
export const noSwarm: Pick<BaseConfig, 'SwarmMaster' | 'SwarmHost' | 'SwarmDiscovery'> = {
  SwarmMaster: false,
  SwarmHost: '',
  SwarmDiscovery: '',
};
