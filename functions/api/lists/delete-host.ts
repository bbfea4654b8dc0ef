import { deleteHost as operation } from '../../../shared/operations/delete-host.ts';
import { httpStack } from '../../lib/http.ts';
import { editHosts, hostOf } from './edit-hosts.ts';

export const deleteHost = httpStack(operation, (call) =>
  editHosts(call, operation.id, (hosts) => {
    const gone = hostOf(hosts, call.params.hostId);
    return { hosts: hosts.filter((one) => one !== gone) };
  }),
);
