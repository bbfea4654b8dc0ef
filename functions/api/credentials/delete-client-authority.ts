import { deleteClientAuthority as operation } from '../../../shared/operations/delete-client-authority.ts';
import { httpStack } from '../../lib/http.ts';
import { clientAuthorities } from '../../stores/client-authorities.ts';
import { changeCollection } from '../../stores/collections.ts';
import { askedBy } from './certificates.ts';
import { memberDocument } from './client-authorities.ts';
import { removeMember } from './members.ts';

export const deleteClientAuthority = httpStack(operation, async (call) => {
  const { clientAuthorityId: id } = call.params;
  const { before } = await changeCollection(clientAuthorities, askedBy(call, operation.id), (members) =>
    removeMember(members, id, call.ifMatch),
  );
  return { status: 200, body: memberDocument(before, call.now) };
});
