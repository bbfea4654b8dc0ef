import { putHost as operation } from '../../../shared/operations/put-host.ts';
import { httpStack } from '../../lib/http.ts';
import { assertFree, editHosts, hostOf, validHost } from './edit-hosts.ts';

export const putHost = httpStack(operation, (call) => {
  const { hostId } = call.params;
  const host = { hostId, ...validHost(call.body) };
  return editHosts(call, operation.id, (hosts) => {
    hostOf(hosts, hostId);
    assertFree(hosts, host, hostId);
    return { hosts: hosts.map((one) => (one.hostId === hostId ? host : one)), host };
  });
});
