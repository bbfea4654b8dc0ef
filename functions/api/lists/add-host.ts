import { randomBytes } from 'node:crypto';
import { addHost as operation } from '../../../shared/operations/add-host.ts';
import { httpStack } from '../../lib/http.ts';
import { assertFree, editHosts, validHost } from './edit-hosts.ts';

export const addHost = httpStack(operation, (call) => {
  const host = { hostId: `host-${randomBytes(8).toString('hex')}`, ...validHost(call.body) };
  return editHosts(call, operation.id, (hosts) => {
    assertFree(hosts, host);
    return { hosts: [...hosts, host], host };
  });
});
