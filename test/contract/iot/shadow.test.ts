import { connect, enrol, startEmbedded } from './embedded.ts';
import { remote, remoteAccess } from './remote.ts';
import { type ShadowAccess, shadowContract } from './shadow.contract.ts';
import { shadowAccess } from './shadow-access.ts';

const embeddedAccess = async (via: 'http' | 'mqtt'): Promise<ShadowAccess> => {
  const stack = await startEmbedded();
  const device = await enrol(stack.iot, 'thing-1', { policy: 'open' });
  const client = await connect(stack, device);
  return shadowAccess({ via, thing: 'thing-1', data: stack.data, client, close: stack.stop });
};

for (const via of ['http', 'mqtt'] as const)
  shadowContract({ via, make: () => (remote ? remoteAccess(via) : embeddedAccess(via)) });
